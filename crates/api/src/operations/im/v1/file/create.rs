use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::FileType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::blobs::BlobKey;
use larkspur_store::{Tx, files};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image;
use crate::rules;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/files`
pub(super) struct Create;

/// The fields beside the file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// What the file is uploaded as.
    file_type: FileType,
    /// Its name, with extension.
    #[schemars(length(min = 1, max = 255))]
    file_name: String,
    /// Of audio and video: the length in milliseconds.
    #[schemars(range(min = 0))]
    duration: Option<i64>,
}

/// The file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its key.
    file_key: String,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.file.create",
        summary: "Upload a file",
        reference: "im-v1/file/create",
        route: post("/open-apis/im/v1/files"),
        access: Access::tenant_or_user(&[scopes::IM_RESOURCE, scopes::IM_RESOURCE_UPLOAD]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Multipart { file: "file", most: rules::files::SIZE_MAX },
        reply: Reply::Data("success"),
        invalid: codes::IMAGE_PARAM_INVALID,
        codes: &[
            codes::META_WRITING_STOPPED,
            codes::IMAGE_PARAM_INVALID,
            codes::IMAGE_UNAUTHORIZED,
            codes::IMAGE_TOO_LARGE,
            codes::IMAGE_BOT_NOT_ENABLED,
            codes::IMAGE_EMPTY,
            codes::MASTER_KEY_DELETED,
            codes::FILE_STORAGE_FULL,
        ],
        recodes: &[(codes::STORAGE_FULL, codes::FILE_STORAGE_FULL)],
        emits: &[],
        example: "",
        behaviours: &[KEYS, NAMES, image::QUOTA],
        deviations: &["The bytes are stored as they are: whether audio is Opus and video is MP4 is not checked."],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        image::app_may(call)?;
        let content = input.file.as_ref().ok_or_else(|| {
            Fault::new(codes::IMAGE_PARAM_INVALID, "the part named file is missing").with_violation(
                "file",
                None,
                "file is required",
            )
        })?;
        rules::files::accept(content)?;
        image::has_room(tx, call, content.len()).await?;
        let Body { file_type, file_name, duration } = &input.body;
        let file = files::File {
            file_key: rules::files::key(tx.random_id()),
            app_id: call.app_id(),
            file_type: *file_type,
            name: file_name.clone(),
            duration_ms: *duration,
            content_type: rules::files::media_type(*file_type, file_name).to_owned(),
            size: i64::try_from(content.len()).unwrap_or(i64::MAX),
            deleted: false,
        };
        files::insert(tx, &file, content, input.kept.get(), call.now).await?;
        Ok(Output { file_key: file.file_key })
    }

    fn keeps(call: &Call, input: &Input<Self>) -> Option<BlobKey> {
        let content = input.file.as_ref().filter(|_| image::app_may(call).is_ok())?;
        rules::files::accept(content).ok()?;
        Some(BlobKey::of(call.tenant, content))
    }
}

const KEYS: Behaviour = Behaviour {
    name: "file_keys",
    rule: "The key of a file starts with file_v3_. A file that a user uploads belongs to the app.",
    basis: Observed,
    switch: false,
};

const NAMES: Behaviour = Behaviour {
    name: "file_names",
    rule: "A file_name has 1 to 255 characters of any kind; an extension is not required. An absent duration is left out of messages.",
    basis: Assumed,
    switch: false,
};
