//! `docx/v1/chats/:chat_id/announcement`

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Behaviour, Code, codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod chat_announcement;
pub(crate) mod chat_announcement_block;
pub(crate) mod chat_announcement_block_children;
mod edit;
mod media;
mod mentions;
mod open;

/// The chat.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ChatPath {
    /// The chat's id.
    chat_id: String,
}

/// A block of a chat's announcement.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct BlockPath {
    /// The chat's id.
    chat_id: String,
    /// The block's id; the chat's id for the page.
    block_id: String,
}

/// Which revision is read, and the form of user ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ReadQuery {
    /// The revision to read; -1, the default, is the latest one.
    #[schemars(range(min = -1))]
    revision_id: Option<i64>,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// A page of blocks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct PageQuery {
    /// Blocks per page; 500 by default.
    #[schemars(range(min = 1, max = 500))]
    page_size: Option<i64>,
    /// Token of the page; empty for the first one. Later pages show the revision of the first one.
    page_token: Option<String>,
    /// The revision to read; -1, the default, is the latest one.
    #[schemars(range(min = -1))]
    revision_id: Option<i64>,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// What an edit is based on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct EditQuery {
    /// The revision that the caller has seen; -1, the default, is the latest one.
    #[schemars(range(min = -1))]
    revision_id: Option<i64>,
    /// The same token again is answered as the first time, and changes nothing.
    client_token: Option<String>,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// The codes of shared checks, and those that these pages list instead.
const RECODES: &[(Code, Code)] = &[
    (codes::CHAT_ID_INVALID, codes::DOCX_NOT_FOUND),
    (codes::CHAT_DISSOLVED, codes::DOCX_NOT_FOUND),
    (codes::TENANT_MISMATCH, codes::DOCX_TENANT_MISMATCH),
    (codes::OPERATOR_NOT_IN_CHAT, codes::DOCX_NOT_IN_CHAT),
    (codes::EXTERNAL_NOT_ALLOWED, codes::DOCX_EXTERNAL_NOT_ALLOWED),
    (codes::EDIT_NEEDS_MANAGER, codes::DOCX_EDIT_NEEDS_MANAGER),
    (codes::BOT_NOT_ACTIVATED, codes::DOCX_BOT_NOT_ACTIVATED),
    (codes::APP_UNAVAILABLE, codes::DOCX_APP_UNAVAILABLE),
];

/// The codes of the pages of the reads, except that of block.get.
const READ_CODES: &[Code] = &read_codes(codes::DOCX_INTERNAL);

const fn read_codes(internal: Code) -> [Code; 15] {
    [
        codes::DOCX_INVALID_PARAM,
        codes::DOCX_NOT_FOUND,
        codes::DOCX_FORBIDDEN,
        internal,
        codes::DOCX_GATEWAY_INTERNAL,
        codes::DOCX_GATEWAY_MARSHAL,
        codes::DOCX_GATEWAY_UNMARSHAL,
        codes::DOCX_MAINTENANCE,
        codes::DOCX_ANNOUNCEMENT_NOT_FOUND,
        codes::DOCX_TENANT_MISMATCH,
        codes::DOCX_NOT_IN_CHAT,
        codes::DOCX_EXTERNAL_NOT_ALLOWED,
        codes::DOCX_OLD_ANNOUNCEMENT,
        codes::DOCX_BOT_NOT_ACTIVATED,
        codes::DOCX_APP_UNAVAILABLE,
    ]
}

/// The codes of the pages of the edits. The text of 1770033 is not the same on all of them.
const fn edit_codes(too_large: Code) -> [Code; 44] {
    [
        codes::DOCX_INVALID_PARAM,
        codes::DOCX_NOT_FOUND,
        codes::DOCX_RESOURCE_DELETED,
        codes::DOCX_TOO_MANY_BLOCKS,
        codes::DOCX_TOO_DEEP,
        codes::DOCX_SCHEMA_MISMATCH,
        codes::DOCX_TOO_MANY_CHILDREN,
        codes::DOCX_FILE_TOO_BIG,
        codes::DOCX_TOO_MANY_COLUMNS,
        codes::DOCX_TOO_MANY_CELLS,
        codes::DOCX_TOO_MANY_GRID_COLUMNS,
        codes::DOCX_RELATION_MISMATCH,
        codes::DOCX_PARENT_CHILDREN_MISMATCH,
        codes::DOCX_MULTI_DOCUMENT,
        codes::DOCX_REPEATED_BLOCK,
        codes::DOCX_COPYING,
        codes::DOCX_TOO_OLD,
        codes::DOCX_INVALID_OPERATION,
        codes::DOCX_OPERATION_MISMATCH,
        codes::DOCX_ROW_OUT_OF_RANGE,
        codes::DOCX_COLUMN_OUT_OF_RANGE,
        codes::DOCX_NO_CHILDREN_HERE,
        codes::DOCX_NOT_CREATABLE,
        codes::DOCX_CHILD_NOT_ALLOWED,
        codes::DOCX_CHILDREN_KEPT,
        codes::DOCX_FORBIDDEN,
        too_large,
        codes::DOCX_TOO_MANY_OPERATIONS,
        codes::DOCX_TOO_MANY_RESOURCES,
        codes::DOCX_RESOURCE_NOT_FOUND,
        codes::DOCX_OPEN_SCHEMA_MISMATCH,
        codes::DOCX_INTERNAL,
        codes::DOCX_GATEWAY_INTERNAL,
        codes::DOCX_GATEWAY_MARSHAL,
        codes::DOCX_GATEWAY_UNMARSHAL,
        codes::DOCX_MAINTENANCE,
        codes::DOCX_ANNOUNCEMENT_NOT_FOUND,
        codes::DOCX_TENANT_MISMATCH,
        codes::DOCX_NOT_IN_CHAT,
        codes::DOCX_EXTERNAL_NOT_ALLOWED,
        codes::DOCX_EDIT_NEEDS_MANAGER,
        codes::DOCX_OLD_ANNOUNCEMENT,
        codes::DOCX_BOT_NOT_ACTIVATED,
        codes::DOCX_APP_UNAVAILABLE,
    ]
}

const EDIT_CODES: &[Code] = &edit_codes(codes::DOCX_CONTENT_TOO_LARGE);
const UPDATE_CODES: &[Code] = &edit_codes(codes::DOCX_UPDATE_TOO_LARGE);
const BLOCK_GET_CODES: &[Code] = &read_codes(codes::DOCX_MOUNT_FAILED);

const STATUS: &str = "Over the app's rate limit the HTTP status is that of the setting for all operations; the pages of the lists, of block.get, create and batch_update print 400.";
const MEDIA: &str = "Pictures and files are not uploaded to drive: replace_image and replace_file take the key of an image that was uploaded with im.v1.image.create.";

const ORDER: Behaviour = Behaviour {
    name: "docx_check_order",
    rule: "Order of checks: fields and types, chat (1770002), bot and app (1772025, 1772034), tenant (1772002), external (1772004), dissolved (1770002), existence of the announcement (1772001), member (1772003), its form (1772006), edit_permission (1772005), access to the document (1770032), client_token, three edits a second, revision, block, contents.",
    basis: Assumed,
    switch: false,
};
const EXISTS: Behaviour = Behaviour {
    name: "docx_exists",
    rule: "Groups start with an announcement of the docx form, revision 1 and an empty page; p2p chats have none (1772001). The control API makes new groups of a world start with the old form, changes the form of one, removes it (1772001), or restricts it to owner and managers (1770032).",
    basis: Documented,
    switch: false,
};
const PEOPLE: Behaviour = Behaviour {
    name: "docx_people",
    rule: "The owner is the chat's, otherwise the bot that made it; before the first edit the modifier is the owner. A bot is shown by its open_id. Users are mentioned by ids of the form that user_id_type names; one who is unknown, not in service or does not see the app is 1770032, also in reminders. A user who was deleted is shown with an empty user_id where that form is asked for.",
    basis: Assumed,
    switch: false,
};
const REVISIONS: Behaviour = Behaviour {
    name: "docx_revisions",
    rule: "Each edit that succeeds makes one revision, even if nothing changes. An edit may name a revision that is up to 1000 behind, and applies to the latest one; an older one is 1770021, one that does not exist 1770001. The 1000 revisions before the latest one can be read by those who may edit (1770032 for others); older ones are 1770001. A page_token belongs to the revision of its first page.",
    basis: Assumed,
    switch: false,
};
const TOKENS: Behaviour = Behaviour {
    name: "docx_client_token",
    rule: "A client_token belongs to app, operator, chat and operation, and is known for a day: the same token again is answered with the first answer, whatever the request, and is no edit.",
    basis: Assumed,
    switch: false,
};
const EDITS: Behaviour = Behaviour {
    name: "docx_edits_per_second",
    rule: "More than three successful edits of one announcement in any second, by any caller on any server, are HTTP 429 with 99991400. The real time counts, not the world's. Without rate limits there is no such limit.",
    basis: Documented,
    switch: false,
};
const BLOCKS: Behaviour = Behaviour {
    name: "docx_blocks",
    rule: "Server-made contents: an empty paragraph in each new cell, grid column, callout and quote_container; opaque tokens for sheets, bitables and boards. A new table has at most 9 rows and columns (1770001), later at most 100 columns (1770010) and 2000 cells (1770011). A grid of more than 10 columns is 1770012, of fewer than 2 1770024. An unknown block_type, a missing content and an element that is not exactly one thing are 1770001. Limits without published numbers: 20000 blocks (1770004), 50 levels (1770005), 5000 children (1770007), 4000 cells of the tables that one call edits (1770034).",
    basis: Assumed,
    switch: false,
};
const KINDS: Behaviour = Behaviour {
    name: "docx_block_kinds",
    rule: "Contents of other services (sheet, bitable, board, iframe, isv, add_ons, wiki_catalog, okr, link_preview) are kept as sent, without those services. An OKR with a tenant token is 1770029. A chat_card of an unknown chat and a mention of an unknown document are 1770038; of a chat that the operator is not in, and of a document that it may not read, 1770032.",
    basis: Assumed,
    switch: false,
};
const CHILDREN: Behaviour = Behaviour {
    name: "docx_children",
    rule: "What may be in a cell, a grid column and a callout is checked on creation: 1770030. Not all children of one of them can be deleted, nor any of a table or grid: 1770031.",
    basis: Observed,
    switch: false,
};
