use larkspur_api::rules::images::as_picture;
use larkspur_api::{Download, Empty, Input, Media, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get};
use larkspur_store::blobs::Content;
use larkspur_store::{Root, images};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/images/:image_key`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.image.get",
        summary: "Download an image of a world, whichever app uploaded it",
        route: get("/larkspur/v1/worlds/{tenant_key}/images/{image_key}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Bytes,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "image_for_browsers",
            rule: "JPEG, PNG, WEBP, GIF, BMP and ICO are answered as such, and browsers show them. Every other image is application/octet-stream, and browsers save it. The headers of the answer let no script run in it.",
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
        let key = &input.path.image_key;
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let absent = |why| support::not_found("image_key", key, why);
        let image = images::get(&mut tx, key).await?.ok_or_else(|| absent("no such image in this world"))?;
        if image.deleted {
            return Err(absent("the image was deleted"));
        }
        let content = images::content(&mut tx, key).await?;
        let content = content.ok_or_else(|| absent("no such image in this world"))?;
        let picture = as_picture(&image.content_type);
        let (content_type, extension) = picture.unwrap_or(("application/octet-stream", "bin"));
        let media = Media {
            content_type: content_type.to_owned(),
            file_name: Some(format!("{key}.{extension}")),
            inline: picture.is_some(),
        };
        Ok(Download::new(content, media))
    }

    fn bytes(output: &mut Download) -> Option<(Content, Media)> {
        output.take()
    }
}
