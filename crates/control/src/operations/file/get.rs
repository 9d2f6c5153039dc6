use larkspur_api::rules::files::for_browsers;
use larkspur_api::{Download, Empty, Input, Media, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get};
use larkspur_store::blobs::Content;
use larkspur_store::{Root, files};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/files/:file_key`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.file.get",
        summary: "Download a file of a world, whichever app uploaded it",
        route: get("/larkspur/v1/worlds/{tenant_key}/files/{file_key}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Bytes,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "file_for_browsers",
            rule: "The media type is that of an upload, else application/octet-stream. Browsers save the file under its name and never show it.",
            basis: Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Download;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Download, Fault> {
        let key = &input.path.file_key;
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let absent = |why| support::not_found("file_key", key, why);
        let file = files::get(&mut tx, key).await?.ok_or_else(|| absent("no such file in this world"))?;
        if file.deleted {
            return Err(absent("the file was deleted"));
        }
        let content = files::content(&mut tx, key).await?;
        let content = content.ok_or_else(|| absent("no such file in this world"))?;
        let content_type = for_browsers(&file.content_type).to_owned();
        let media = Media { content_type, file_name: Some(file.name), inline: false };
        Ok(Download::new(content, media))
    }

    fn bytes(output: &mut Download) -> Option<(Content, Media)> {
        output.take()
    }
}
