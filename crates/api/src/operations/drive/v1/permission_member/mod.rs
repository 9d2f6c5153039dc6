//! `drive/v1/permissions`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod auth;
mod create;
mod delete;
mod list;
mod support;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<list::List>(),
    entry::<update::Update>(),
    entry::<delete::Delete>(),
    entry::<auth::Auth>(),
];

/// Kind of a collaborator's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum MemberType {
    OpenId,
    UnionId,
    UserId,
    Email,
    OpenChat,
    OpenDepartmentId,
    GroupId,
    WikiSpaceId,
}

/// Whether the permission includes a wiki node's subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PermType {
    Container,
    SinglePage,
}

/// The document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct DocumentPath {
    /// Its token.
    token: String,
}

/// The collaborator of a document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct MemberPath {
    /// The document's token.
    token: String,
    /// The collaborator, in the form that `member_type` names.
    member_id: String,
}
