use larkspur_api::{Empty, Input, Media, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Reply, Spec, codes, get};
use larkspur_store::blobs::Content;
use larkspur_store::{Root, snapshots};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::CONTROL;
use crate::snapshots::{Head, Path, find};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/snapshots/:name/file`
pub(crate) struct File;

/// The file: lines of JSON. The first one is its head, then come the rows of each table.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(skip)]
    lines: Vec<u8>,
    #[serde(skip)]
    name: String,
}

impl Operation for File {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.file",
        summary: "Download a snapshot of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/snapshots/{name}/file"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Bytes,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let found = find(&mut tx, "name", &input.path.name).await?;
        let mut text = Head::of(&tx, &found).line()?;
        text.push('\n');
        snapshots::append_lines(&mut tx, &found, &mut text).await?;
        Ok(Output { lines: text.into_bytes(), name: found.name })
    }

    fn bytes(output: &mut Output) -> Option<(Content, Media)> {
        let file_name = Some(format!("{}.ndjson", output.name.trim_start_matches('@')));
        let content_type = "application/x-ndjson".to_owned();
        let media = Media { content_type, file_name, ..Media::default() };
        Some((Content::Row(std::mem::take(&mut output.lines)), media))
    }
}
