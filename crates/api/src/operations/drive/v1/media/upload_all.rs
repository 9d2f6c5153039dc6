use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::docx_media::{self, Media};
use larkspur_store::{Tx, announcements};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::docx::v1::new_token;
use crate::rules::docx::{Block, media};
use crate::{Call, Empty, Input, Operation, rules, standing};

/// `POST /drive/v1/medias/upload_all`
pub(super) struct UploadAll;

/// What the upload is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum ParentType {
    /// An image.
    #[serde(rename = "docx_image")]
    DocxImage,
    /// A file.
    #[serde(rename = "docx_file")]
    DocxFile,
}

/// The fields beside the file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The name of the file.
    #[schemars(length(min = 1, max = 250))]
    file_name: String,
    /// What it is for.
    parent_type: ParentType,
    /// The block that it is for: an image, or the file inside of a view.
    parent_node: String,
    /// Its size in bytes.
    #[schemars(range(min = 1))]
    size: i64,
    /// Its Adler-32 checksum, decimal.
    checksum: Option<String>,
    /// Ignored.
    extra: Option<String>,
}

/// The upload.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// Its token.
    file_token: String,
}

impl Operation for UploadAll {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.media.upload_all",
        summary: "Upload a picture or a file for a block of an announcement",
        reference: "drive-v1/media/upload_all",
        route: post("/open-apis/drive/v1/medias/upload_all"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::DOCS_DOC,
            scopes::DOCS_MEDIA_UPLOAD,
            scopes::DRIVE_DRIVE,
            scopes::SHEETS_SPREADSHEET,
        ]),
        rate: rates::TIER_6,
        effect: Effect::Writes,
        consumes: Consumes::Multipart { file: "file", most: media::SIZE_MAX },
        reply: Reply::Data("success"),
        invalid: codes::MEDIA_PARAM_INVALID,
        codes: &[
            codes::MEDIA_PARAM_INVALID,
            codes::MEDIA_FORBIDDEN,
            codes::MEDIA_TOO_LARGE,
            codes::MEDIA_PARENT_NOT_FOUND,
            codes::MEDIA_CHECKSUM_WRONG,
            codes::MEDIA_SIZE_WRONG,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[UPLOADS],
        deviations: &[
            "Only uploads for image and file blocks of announcements are served.",
            "The content is not kept, since no operation returns it: only name, size, and width and height of a picture.",
        ],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let body = &input.body;
        let file = input.file.as_ref().ok_or_else(|| {
            let fault = Fault::new(codes::MEDIA_PARAM_INVALID, "the part named file is missing");
            fault.with_violation("file", None, "file is required")
        })?;
        media::accept(file, body.size, body.checksum.as_deref())?;
        may_fill(tx, call, body).await?;
        let upload = Media {
            file_token: new_token(tx),
            block_id: body.parent_node.clone(),
            name: body.file_name.clone(),
            size: body.size,
            pixels: media::pixels(file).unwrap_or_default(),
        };
        docx_media::insert(tx, &upload, call.now).await?;
        Ok(Answer { file_token: upload.file_token })
    }
}

/// Whether there is a block for the upload, in an announcement that the operator may edit.
async fn may_fill(tx: &mut Tx, call: &Call, body: &Body) -> Result<(), Fault> {
    let absent = || Fault::new(codes::MEDIA_PARENT_NOT_FOUND, "no block for such an upload");
    let (chat, content) = docx_media::home(tx, &body.parent_node).await?.ok_or_else(absent)?;
    let block: Block = serde_json::from_str(&content)
        .map_err(|error| Fault::new(codes::INTERNAL, format!("a stored block: {error}")))?;
    let takes = match body.parent_type {
        ParentType::DocxImage => rules::docx::IMAGE,
        ParentType::DocxFile => rules::docx::FILE,
    };
    if block.block_type != takes {
        return Err(absent());
    }
    let forbidden = |refused: Fault| refused.with_code(codes::MEDIA_FORBIDDEN);
    let (chat, standing) = standing::visible(tx, call, &chat.to_string()).await.map_err(forbidden)?;
    standing::joined(call, &standing).map_err(forbidden)?;
    rules::announcements::may_edit(&chat, &standing).map_err(forbidden)?;
    let found = announcements::get(tx, &chat).await?;
    if found.locked && !standing.manages() {
        return Err(Fault::new(codes::MEDIA_FORBIDDEN, "the announcement's document is locked"));
    }
    Ok(())
}

const UPLOADS: Behaviour = Behaviour {
    name: "docx_uploads",
    rule: "An upload belongs to the block that it was made for: for another one, its token is 1770013. One that its block does not show is forgotten after a day of the world's time. At most 20 MB (1061043). A parent_node that is no block of the kind is 1061044; an announcement that the operator may not edit is 1061004.",
    basis: Assumed,
    switch: false,
};
