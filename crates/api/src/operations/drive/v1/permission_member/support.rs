//! Shared code of the collaborator operations.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{DocPermission, DocType, UserIdType};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::documents::{self, Document};
use larkspur_store::{Tx, chats};
use serde::Serialize;

use super::MemberType;
use crate::Call;
use crate::translate::{self, Named};

/// The codes that all these pages list.
pub(super) const CODES: &[Code] = &[
    codes::DRIVE_PARAM_INVALID,
    codes::DRIVE_PERMISSION_DENIED,
    codes::DRIVE_INVALID_OPERATION,
    codes::DRIVE_NO_SHARE_PERMISSION,
    codes::DRIVE_RESOURCE_DELETED,
    codes::DRIVE_TOO_MANY,
    codes::DRIVE_INTERNAL,
    codes::DRIVE_CONCURRENCY,
];

/// The codes of operations that only read.
pub(super) const READ_CODES: &[Code] = &[
    codes::DRIVE_PARAM_INVALID,
    codes::DRIVE_PERMISSION_DENIED,
    codes::DRIVE_RESOURCE_DELETED,
    codes::DRIVE_TOO_MANY,
    codes::DRIVE_INTERNAL,
    codes::DRIVE_CONCURRENCY,
];

/// The codes of the permission check.
pub(super) const AUTH_CODES: &[Code] = &[
    codes::DRIVE_PARAM_INVALID,
    codes::DRIVE_RESOURCE_DELETED,
    codes::DRIVE_TOO_MANY,
    codes::DRIVE_INTERNAL,
    codes::DRIVE_CONCURRENCY,
];

/// The refusal of an id that is not a collaborator.
pub(super) fn absent(id: &str) -> Fault {
    Fault::new(codes::DRIVE_PARAM_INVALID, "the member_id is not a collaborator").with_violation(
        "member_id",
        Some(id),
        "not found",
    )
}

/// A document of the given kind.
pub(super) async fn find(tx: &mut Tx, token: &str, doc_type: DocType) -> Result<Document, Fault> {
    let found = documents::get(tx, token).await?;
    found
        .filter(|found| !found.deleted && found.doc_type == doc_type)
        .ok_or_else(|| Fault::new(codes::DRIVE_RESOURCE_DELETED, "no such document of this type"))
}

/// The operator's permission on a document; the owner has full access.
pub(super) async fn right_of(
    tx: &mut Tx,
    call: &Call,
    document: &Document,
) -> Result<Option<DocPermission>, Fault> {
    let operator = call.operator().to_column();
    if document.owner == operator {
        return Ok(Some(DocPermission::FullAccess));
    }
    Ok(documents::permission_of(tx, &document.token, &operator).await?)
}

/// Refuses operators who may not share a document.
pub(super) async fn may_share(tx: &mut Tx, call: &Call, document: &Document) -> Result<(), Fault> {
    match right_of(tx, call, document).await? {
        Some(DocPermission::FullAccess) => Ok(()),
        Some(_) => Err(Fault::new(codes::DRIVE_NO_SHARE_PERMISSION, "sharing needs full_access")),
        None => Err(Fault::new(codes::DRIVE_PERMISSION_DENIED, "the operator is not a collaborator")),
    }
}

/// Refuses a change of the owner's own permission.
pub(super) fn not_the_owner(document: &Document, member: &str) -> Result<(), Fault> {
    if member == document.owner {
        return Err(Fault::new(codes::DRIVE_INVALID_OPERATION, "the owner cannot be made a collaborator"));
    }
    Ok(())
}

/// The wire name of an enum value.
pub(super) fn wire(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The id under which a collaborator is stored.
pub(super) async fn resolve(
    tx: &mut Tx,
    call: &Call,
    member_type: MemberType,
    id: &str,
) -> Result<String, Fault> {
    let absent = || {
        Fault::new(codes::DRIVE_PARAM_INVALID, "the member_id is unknown in this tenant").with_violation(
            "member_id",
            Some(id),
            "not found",
        )
    };
    let form = match member_type {
        MemberType::OpenId => UserIdType::OpenId,
        MemberType::UnionId => UserIdType::UnionId,
        MemberType::UserId => UserIdType::UserId,
        MemberType::OpenChat => {
            let chat = match ChatId::parse(id) {
                Some(chat) => chats::get(tx, chat).await?,
                None => None,
            };
            return chat.map(|chat| chat.chat_id.to_string()).ok_or_else(absent);
        }
        MemberType::Email | MemberType::OpenDepartmentId | MemberType::GroupId | MemberType::WikiSpaceId => {
            return Ok(format!("{}:{id}", wire(member_type)));
        }
    };
    match translate::named(tx, call, form, id).await? {
        Named::User(user) => Ok(user.user_id),
        Named::Bot(app) => Ok(app.to_string()),
        _ => Err(absent()),
    }
}

pub(super) const RIGHTS: Behaviour = Behaviour {
    name: "who_may_share_documents",
    rule: "The owner, and collaborators with full_access. Other collaborators get 1063004, all others 1063002. A document that is unknown, deleted or of another type is 1063005.",
    basis: Assumed,
    switch: false,
};
