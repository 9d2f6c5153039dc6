//! `docx/v1/chats/:chat_id/announcement`

use larkspur_contract::model::UserIdType;
use larkspur_contract::{Code, codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod behaviours;
pub(crate) mod chat_announcement;
pub(crate) mod chat_announcement_block;
pub(crate) mod chat_announcement_block_children;
mod edit;
mod media;
mod mentions;
mod open;

pub use edit::announce;
pub(crate) use edit::new_token;

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
    (codes::BOT_NOT_ACTIVATED, codes::DOCX_BOT_NOT_ACTIVATED),
    (codes::APP_UNAVAILABLE, codes::DOCX_APP_UNAVAILABLE),
];

/// The same for the edits.
const EDIT_RECODES: &[(Code, Code)] = &edit_recodes();
/// The same for batch_update, whose page has its own text for contents that are too large.
const UPDATE_RECODES: &[(Code, Code)] = &update_recodes();

const fn edit_recodes() -> [(Code, Code); RECODES.len() + 1] {
    let mut all = [(codes::EDIT_NEEDS_MANAGER, codes::DOCX_EDIT_NEEDS_MANAGER); RECODES.len() + 1];
    let mut next = 0;
    while next < RECODES.len() {
        all[next] = RECODES[next];
        next += 1;
    }
    all
}

const fn update_recodes() -> [(Code, Code); RECODES.len() + 2] {
    let mut all = [(codes::DOCX_CONTENT_TOO_LARGE, codes::DOCX_UPDATE_TOO_LARGE); RECODES.len() + 2];
    let mut next = 0;
    while next < EDIT_RECODES.len() {
        all[next] = EDIT_RECODES[next];
        next += 1;
    }
    all
}

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
