use larkspur_contract::model::ImageType;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::blobs::Content;
use larkspur_store::{Tx, images};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, Download, Empty, Input, Media, Operation};

/// `GET /im/v1/images/:image_key`
pub(super) struct Get;

/// The image.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// Its key.
    image_key: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.image.get",
        summary: "Download an image",
        reference: "im-v1/image/get",
        route: get("/open-apis/im/v1/images/{image_key}"),
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
            super::STORAGE[0],
            super::STORAGE[1],
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[super::QUOTA],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Download;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Download, Fault> {
        super::app_may(call)?;
        let key = &input.path.image_key;
        let absent = || Fault::new(codes::IMAGE_PARAM_INVALID, "no such image");
        let image = images::get(tx, key).await?.ok_or_else(absent)?;
        if image.app_id != call.app_id() {
            return Err(Fault::new(codes::NOT_RESOURCE_SENDER, "another app uploaded the image"));
        }
        if image.image_type != ImageType::Message {
            return Err(Fault::new(codes::IMAGE_PARAM_INVALID, "an avatar cannot be downloaded"));
        }
        if image.deleted {
            return Err(Fault::new(codes::IMAGE_DELETED, "the image was deleted"));
        }
        super::is_readable(tx, call).await?;
        let content = images::content(tx, key).await?.ok_or_else(absent)?;
        Ok(Download::new(content, Media { content_type: image.content_type, ..Media::default() }))
    }

    fn bytes(output: &mut Download) -> Option<(Content, Media)> {
        output.take()
    }
}
