//! `drive/v1/permissions`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, entry};

mod permission_member_create;

pub(super) static ENTRIES: &[Entry] = &[entry::<permission_member_create::Create>()];

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
