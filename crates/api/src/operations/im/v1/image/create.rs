use larkspur_contract::Basis::Observed;
use larkspur_contract::model::ImageType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::blobs::BlobKey;
use larkspur_store::{Tx, images};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/images`
pub(super) struct Create;

/// The fields beside the file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// What the image may be used for.
    image_type: ImageType,
}

/// The image.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its key.
    image_key: String,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.image.create",
        summary: "Upload an image",
        reference: "im-v1/image/create",
        route: post("/open-apis/im/v1/images"),
        access: Access::tenant_or_user(&[scopes::IM_RESOURCE, scopes::IM_RESOURCE_UPLOAD]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Multipart { file: "image", most: rules::images::SIZE_MAX },
        reply: Reply::Data("success"),
        invalid: codes::IMAGE_PARAM_INVALID,
        codes: &[
            codes::META_WRITING_STOPPED,
            codes::IMAGE_PARAM_INVALID,
            codes::IMAGE_UNAUTHORIZED,
            codes::IMAGE_TOO_LARGE,
            codes::IMAGE_BOT_NOT_ENABLED,
            codes::IMAGE_EMPTY,
            codes::IMAGE_FORMAT_UNKNOWN,
            codes::IMAGE_RESOLUTION_TOO_HIGH,
            super::STORAGE[0],
            super::STORAGE[1],
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[KEYS, super::QUOTA],
        deviations: &["TIFF and HEIC images are stored unchanged; the platform converts them to JPEG."],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        super::app_may(call)?;
        let content = input.file.as_ref().ok_or_else(|| {
            Fault::new(codes::IMAGE_PARAM_INVALID, "the part named image is missing").with_violation(
                "image",
                None,
                "image is required",
            )
        })?;
        let media = rules::images::accept(input.body.image_type, content)?;
        super::has_room(tx, call, content.len()).await?;
        let image = images::Image {
            image_key: key(input.body.image_type, tx.random_id()),
            app_id: call.app_id(),
            image_type: input.body.image_type,
            content_type: media.to_owned(),
            deleted: false,
        };
        images::insert(tx, &image, content, input.kept.get(), call.now).await?;
        Ok(Output { image_key: image.image_key })
    }

    fn keeps(call: &Call, input: &Input<Self>) -> Option<BlobKey> {
        let content = input.file.as_ref().filter(|_| super::app_may(call).is_ok())?;
        rules::images::accept(input.body.image_type, content).ok()?;
        Some(BlobKey::of(call.tenant, content))
    }
}

/// `img_v3_02i5_` or, for avatars, `v3_00i5_`, then the random number in the form of a uuid, then `g`.
fn key(image_type: ImageType, random: u128) -> String {
    let hex = format!("{random:032x}");
    let prefix = match image_type {
        ImageType::Message => "img_v3_02i5",
        ImageType::Avatar => "v3_00i5",
    };
    format!("{prefix}_{}-{}-{}-{}-{}g", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..31])
}

const KEYS: Behaviour = Behaviour {
    name: "image_keys",
    rule: "The key of a message image starts with img_v3_, the key of an avatar with v3_. An image that a user uploads belongs to the app.",
    basis: Observed,
    switch: false,
};
