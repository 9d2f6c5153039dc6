//! Cards: entities of the card kit (`cardkit`), updates by the token of a click (`interactive`), and the reasons for which
//! a card cannot be built, which other codes carry in their text.

use super::{CARD_NOT_CREATED, Code};

codes! {
    CARD_PARAM_INVALID = 10002, 400, "Your request contains an invalid request parameter.";
    CARD_CONTENT_FAILED = 200220, 400, "Failed to generate card content";
    CARD_ADDING_TIMED_OUT = 200510, 400, "Card streaming timeout";
    CARD_UNKNOWN = 200740, 400, "The card entity does not exist";
    CARD_EXPIRED = 200750, 400, "The card entity has expired";
    CARD_UUID_CONFLICT = 200770, 400, "UUID conflict";
    CARD_BUSY = 200810, 400, "The card is in an ongoing interaction and cannot be updated";
    CARD_STREAMING_TIMED_OUT = 200850, 400, "Card streaming timeout";
    CARD_TOO_LARGE = 200860, 400, "Card content exceeds limit.";
    CARD_INTERNAL = 300120, 400, "Server Internal Error";
    CARD_ELEMENT_NOT_REPLACED = 300121, 400, "Failed to replace element";
    CARD_SETTINGS_NOT_UPDATED = 300122, 400, "Failed to update card configuration";
    CARD_ELEMENT_ID_REPEATED = 300301, 400, "Duplicate element_id in card component.";
    CARD_NOT_SHARED = 300302, 400, "update_multi property is false";
    CARD_SCHEMA_UNSUPPORTED = 300303, 400, "Only schema 2.0 is supported";
    CARD_ELEMENT_LIMIT = 300305, 400, "The number of card components exceeds 200";
    CARD_EMPTY = 300307, 400, "The card DSL is empty";
    CARD_STREAMING_CLOSED = 300309, 400, "ErrMsg: streaming mode is closed; ";
    CARD_ONLY_TEXT = 300310, 400, "Only update text";
    CARD_NOT_OWN = 300311, 400, "The current application does not have permission to update/use this card";
    CARD_TAG_CHANGED = 300312, 400, "Unable to update element tag";
    CARD_PROPERTIES_FAILED = 300313, 400, "Failed to update element properties";
    CARD_ELEMENT_NOT_DELETED = 300314, 400, "Failed to delete element";
    CARD_ELEMENT_NOT_ADDED = 300315, 400, "Failed to add element";
    CARD_SEQUENCE = 300317, 400, "ErrMsg: sequence number compare failed; ";
    // Updates by the token of a click; the page has Chinese texts only
    UPDATED_CARD_INVALID = 11311, 200, "卡片格式不符合要求。";
    UPDATED_CARD_MISSING = 10002, 200, "card 参数校验错误。";
    UPDATED_CARD_TOO_LARGE = 100000, 200, "卡片内容转换后超过 100 KB。";
    UPDATED_CARD_NOT_JSON = 100030, 200, "输入的参数不符合 JSON 规范。";
    UPDATED_CARD_RECALLED = 200000, 200, "该消息卡片已被撤回。";
    UPDATED_CARD_NOT_OWN = 200310, 200, "无法更新其他应用发送的卡片。";
    UPDATED_CARD_OPEN_IDS = 200320, 200, "独享卡片的 open_ids 内容有误。";
    CARD_TOKEN_MALFORMED = 300020, 200, "更新卡片的 token 格式错误。";
    CARD_TOKEN_ENDED = 300030, 200, "更新卡片的 token 失效。";
    CARD_TOKEN_SPENT = 300040, 200, "更新卡片的 token 超过使用限制次数。";
    UPDATED_CARD_NEEDS_OPEN_IDS = 300090, 200, "独享卡片必须填写 open_ids 字段。";
    EPHEMERAL_DELETED = 18051, 200, "消息已删除";
}

/// Why a card cannot be built. Its number and text are parts of another code's text, see [`card_text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardReason {
    /// The number after `ErrCode:`.
    pub number: u32,
    /// The text after `ErrMsg:`.
    pub text: &'static str,
}

impl CardReason {
    /// The JSON cannot be read, or a part of it has the wrong type.
    pub const UNREADABLE: CardReason = CardReason {
        number: 200621,
        text: "parse card json err, please check whether the card json is correct",
    };
    /// More than the allowed number of tables.
    pub const TABLE_LIMIT: CardReason = CardReason { number: 11310, text: "card table number over limit" };
    /// More than the allowed number of elements.
    pub const ELEMENT_LIMIT: CardReason = CardReason { number: 11310, text: "element exceeds the limit" };
    /// No card entity has this id, or it cannot be sent.
    pub const ENTITY_INVALID: CardReason = CardReason { number: 11310, text: "cardid is invalid" };
    /// No such template.
    pub const TEMPLATE_UNKNOWN: CardReason = CardReason {
        number: 200380,
        text: "template does not exist, please confirm whether this template has been released",
    };
    /// A chart without a specification.
    pub const CHART_INVALID: CardReason = CardReason { number: 200550, text: "chart spec is invalid" };
    /// An image that does not exist.
    pub const IMAGE_INVALID: CardReason =
        CardReason { number: 200570, text: "card contains invalid image keys" };
    /// A tag that schema 2.0 does not have.
    pub const TAG_UNSUPPORTED: CardReason =
        CardReason { number: 200861, text: "cards of schema V2 no longer support this capability" };
    /// A person whom the app does not know.
    pub const PERSON_INVALID: CardReason =
        CardReason { number: 100290, text: "There is an invalid user resource(at/person) in your card" };
    /// Rows of a table that name no column of it.
    pub const ROW_NAME_INVALID: CardReason =
        CardReason { number: 200915, text: "table rows name is invalid" };
    /// Rows of a table that are not a list of objects.
    pub const ROWS_INVALID: CardReason = CardReason { number: 200914, text: "table rows is invalid" };
    /// A component of a form without a `name`: what the client shows to the person who clicks. The text is Larkspur's.
    pub const FORM_NAME_MISSING: CardReason =
        CardReason { number: 200530, text: "a component of the form has no name" };
    /// The app may not send this entity, or it was sent already.
    pub const ENTITY_NOT_OWN: CardReason =
        CardReason { number: CARD_NOT_OWN.number, text: CARD_NOT_OWN.text };
}

/// The frame of a reason: `ErrCode: …; ErrMsg: …; ErrorValue: …; `. Source: seen in live answers.
pub fn card_frame(reason: CardReason, value: Option<&str>) -> String {
    let value = value.map(|value| format!("ErrorValue: {value}; ")).unwrap_or_default();
    format!("ErrCode: {}; ErrMsg: {}; {value}", reason.number, reason.text)
}

/// The wire text of [`CARD_NOT_CREATED`] with its reason.
pub fn card_text(reason: CardReason, value: Option<&str>) -> String {
    format!("{}{}", CARD_NOT_CREATED.text, card_frame(reason, value))
}
