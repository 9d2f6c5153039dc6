use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::{MsgType, RestrictedPermission};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::blobs::Content;
use larkspur_store::messages::{self, Message};
use larkspur_store::{Tx, files, images};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, conditions, finding};
use crate::rules::resources::{self, Kind};
use crate::{Call, Download, Empty, Input, Media, Operation};

/// `GET /im/v1/messages/:message_id/resources/:file_key`
pub(super) struct Get;

/// The resource.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// The message that carries it.
    message_id: String,
    /// Its image_key or file_key.
    file_key: String,
}

/// The kind of resource.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Image, or file for files, voice messages and videos.
    r#type: ResourceType,
}

/// The kind of resource.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ResourceType {
    /// An image.
    Image,
    /// A file, voice message or video.
    File,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message_resource.get",
        summary: "Download an image or a file of a message",
        reference: "im-v1/message-resource/get",
        route: get("/open-apis/im/v1/messages/{message_id}/resources/{file_key}"),
        access: Access::tenant_or_user(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_READONLY,
            scopes::IM_MESSAGE_HISTORY,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Bytes,
        invalid: codes::IMAGE_PARAM_INVALID,
        codes: &[
            codes::MESSAGE_DELETED,
            codes::IMAGE_PARAM_INVALID,
            codes::IMAGE_UNAUTHORIZED,
            codes::FILE_NOT_IN_MESSAGE,
            codes::APP_NOT_IN_CHAT,
            codes::IMAGE_BOT_NOT_ENABLED,
            codes::RESOURCE_LACKS_PERMISSION,
            codes::RESOURCE_OF_OTHER_TENANT,
            codes::DOWNLOAD_TOO_LARGE,
            codes::RESOURCE_RESTRICTED,
            codes::RESOURCE_INVISIBLE,
            codes::MASTER_KEY_DELETED,
            codes::FILE_STORAGE_FULL,
            codes::RESOURCE_TYPE_UNSUPPORTED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[
            (codes::STORAGE_FULL, codes::FILE_STORAGE_FULL),
            (codes::MESSAGE_NOT_IN_CHAT, codes::APP_NOT_IN_CHAT),
            (codes::MESSAGE_LACKS_PERMISSION, codes::RESOURCE_LACKS_PERMISSION),
            (codes::USER_NOT_AVAILABLE, codes::RESOURCE_INVISIBLE),
        ],
        emits: &[],
        example: "type=image",
        behaviours: &[RESOURCES, PARTS, conditions::CONDITIONS, finding::UNKNOWN, image::QUOTA],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Download;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Download, Fault> {
        let (Path { message_id, file_key }, speaker) = (&input.path, Speaker::of(call));
        image::app_may(call)?;
        if message_id.starts_with("bm-") {
            return Err(Fault::new(codes::IMAGE_PARAM_INVALID, "the id of a batch of messages"));
        }
        let message = finding::message(tx, message_id).await.map_err(|fault| match fault.code() {
            codes::MESSAGE_INVALID => fault.without_cause().with_code(codes::RESOURCE_OF_OTHER_TENANT),
            _ => fault,
        })?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Read).await?;
        let place = place.ok_or_else(|| Fault::new(codes::APP_NOT_IN_CHAT, "the chat is gone"))?;
        if message.upper != 0 {
            return Err(Fault::new(codes::FILE_NOT_IN_MESSAGE, "a part of a forwarded bundle"));
        }
        conditions::sees(tx, &speaker, &place, &message, codes::RESOURCE_INVISIBLE).await?;
        if message.recalled.is_some() {
            return Err(Fault::new(codes::MESSAGE_DELETED, "the message was recalled"));
        }
        let restricted = &place.chat.settings.restricted_mode_setting;
        if restricted.status && restricted.download_has_permission_setting == RestrictedPermission::NotAnyone
        {
            return Err(Fault::new(codes::RESOURCE_RESTRICTED, "the chat forbids downloads"));
        }
        if matches!(message.msg_type, MsgType::Interactive | MsgType::Sticker) {
            return Err(Fault::new(codes::RESOURCE_TYPE_UNSUPPORTED, "a card or a sticker"));
        }
        let kind = match input.query.r#type {
            ResourceType::Image => Kind::Image,
            ResourceType::File => Kind::File,
        };
        if !is_carried(tx, &message, kind, file_key).await? {
            return Err(Fault::new(codes::FILE_NOT_IN_MESSAGE, "the message does not carry the key"));
        }
        image::is_readable(tx, call).await?;
        let found = match kind {
            Kind::Image => stored_image(tx, file_key).await?,
            Kind::File => stored_file(tx, file_key).await?,
        };
        found.ok_or_else(|| Fault::new(codes::FILE_NOT_IN_MESSAGE, "the image or file was deleted"))
    }

    fn bytes(output: &mut Download) -> Option<(Content, Media)> {
        output.take()
    }
}

/// Whether a message, or a part of a forwarded bundle, carries the resource.
async fn is_carried(tx: &mut Tx, message: &Message, kind: Kind, key: &str) -> Result<bool, Fault> {
    if message.msg_type != MsgType::MergeForward {
        return Ok(resources::carries(message.msg_type, &message.content, kind, key));
    }
    let mut after = 0;
    loop {
        let found = messages::carriers(tx, message.number, after, PARTS_AT_ONCE).await?;
        if found.iter().any(|part| resources::carries(part.msg_type, &part.content, kind, key)) {
            return Ok(true);
        }
        match found.last() {
            Some(last) if found.len() == PARTS_AT_ONCE => after = last.number,
            _ => return Ok(false),
        }
    }
}

async fn stored_image(tx: &mut Tx, key: &str) -> Result<Option<Download>, Fault> {
    let Some(image) = images::get(tx, key).await?.filter(|image| !image.deleted) else { return Ok(None) };
    let media = Media { content_type: image.content_type, ..Media::default() };
    Ok(images::content(tx, key).await?.map(|content| Download::new(content, media)))
}

async fn stored_file(tx: &mut Tx, key: &str) -> Result<Option<Download>, Fault> {
    let Some(file) = files::get(tx, key).await?.filter(|file| !file.deleted) else { return Ok(None) };
    let media = Media { content_type: file.content_type, file_name: Some(file.name), ..Media::default() };
    Ok(files::content(tx, key).await?.map(|content| Download::new(content, media)))
}

/// How many parts of a bundle are read at once.
const PARTS_AT_ONCE: usize = 50;

const RESOURCES: Behaviour = Behaviour {
    name: "message_resources",
    rule: "Every app whose bot is in the chat may download what a message carries, whichever app uploaded it; the scopes for reading messages of groups are not needed. A key that the message does not carry, one of the other type, and a deleted image or file are 234003, a message of another tenant 234019, a recalled one 230110, a bot without its ability 234007.",
    basis: Assumed,
    switch: false,
};
const PARTS: Behaviour = Behaviour {
    name: "message_resource_parts",
    rule: "What a part of a forwarded bundle carries is downloaded with the id of the outermost bundle; the part's own id is 234003. Cards and stickers are 234043.",
    basis: Observed,
    switch: false,
};
