//! `drive/v1/permissions`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, entry};

mod permission_member_auth;
mod permission_member_create;
mod permission_member_delete;
mod permission_member_list;
mod permission_member_update;
mod support;

pub(super) static ENTRIES: &[Entry] = &[
    entry::<permission_member_create::Create>(),
    entry::<permission_member_list::List>(),
    entry::<permission_member_update::Update>(),
    entry::<permission_member_delete::Delete>(),
    entry::<permission_member_auth::Auth>(),
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

/// Whether a wiki node's subtree is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PermType {
    Container,
    SinglePage,
}
