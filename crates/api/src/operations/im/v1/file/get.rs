use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::blobs::Content;
use larkspur_store::{Tx, files};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image;
use crate::{Call, Download, Empty, Input, Media, Operation};

/// `GET /im/v1/files/:file_key`
pub(super) struct Get;

/// The file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// Its key.
    file_key: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.file.get",
        summary: "Download a file",
        reference: "im-v1/file/get",
        route: get("/open-apis/im/v1/files/{file_key}"),
        access: Access::tenant(&[]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Bytes,
        invalid: codes::IMAGE_PARAM_INVALID,
        codes: &[
            codes::IMAGE_PARAM_INVALID,
            codes::IMAGE_UNAUTHORIZED,
            codes::IMAGE_DELETED,
            codes::IMAGE_BOT_NOT_ENABLED,
            codes::NOT_RESOURCE_SENDER,
            codes::DOWNLOAD_TOO_LARGE,
            codes::MASTER_KEY_DELETED,
            codes::FILE_STORAGE_FULL,
        ],
        recodes: &[(codes::STORAGE_FULL, codes::FILE_STORAGE_FULL)],
        emits: &[],
        example: "",
        behaviours: &[MEDIA, image::QUOTA],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Download;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Download, Fault> {
        image::app_may(call)?;
        let key = &input.path.file_key;
        let absent = || Fault::new(codes::IMAGE_PARAM_INVALID, "no such file");
        let file = files::get(tx, key).await?.ok_or_else(absent)?;
        if file.app_id != call.app_id() {
            return Err(Fault::new(codes::NOT_RESOURCE_SENDER, "another app uploaded the file"));
        }
        if file.deleted {
            return Err(Fault::new(codes::IMAGE_DELETED, "the file was deleted"));
        }
        image::is_readable(tx, call).await?;
        let content = files::content(tx, key).await?.ok_or_else(absent)?;
        let media = Media { content_type: file.content_type, file_name: Some(file.name), ..Media::default() };
        Ok(Download::new(content, media))
    }

    fn bytes(output: &mut Download) -> Option<(Content, Media)> {
        output.take()
    }
}

const MEDIA: Behaviour = Behaviour {
    name: "file_media_types",
    rule: "The Content-Type follows file_type and, for documents, the extension; a stream is application/octet-stream. The name is in Content-Disposition, as filename in ASCII and as filename* in UTF-8. A Range of bytes is answered with 206, one outside of the file with 416.",
    basis: Assumed,
    switch: false,
};
