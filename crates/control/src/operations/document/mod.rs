//! Documents of a world and their collaborators.

use larkspur_api::rules;
use larkspur_contract::Fault;
use larkspur_contract::model::{DocPermission, DocType};
use larkspur_store::Tx;
use larkspur_store::documents::{self, Document};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support;

pub(crate) mod collaborator_put;
pub(crate) mod create;
pub(super) mod get;
pub(super) mod update;

/// A document of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The document.
    token: String,
}

/// A document.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its token.
    token: String,
    /// Its kind.
    doc_type: DocType,
    /// Its URL.
    url: String,
    /// Its title.
    title: String,
    /// A user_id or an app_id; absent if it has no owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Whether it was deleted.
    deleted: bool,
    /// Its collaborators, without the owner.
    collaborators: Vec<Collaborator>,
}

/// A collaborator of a document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Collaborator {
    /// A user_id, an app_id or a chat_id.
    member: String,
    /// Its permission.
    perm: DocPermission,
}

async fn find(tx: &mut Tx, token: &str) -> Result<Document, Fault> {
    let found = documents::get(tx, token).await?;
    found.ok_or_else(|| support::not_found("token", token, "no such document in this world"))
}

async fn show(tx: &mut Tx, document: Document) -> Result<Shown, Fault> {
    let found = documents::collaborators(tx, &document.token).await?;
    let shown = found.into_iter().map(|one| Collaborator { member: one.member, perm: one.permission });
    Ok(Shown {
        url: rules::documents::url(document.doc_type, &document.token),
        token: document.token,
        doc_type: document.doc_type,
        title: document.title,
        owner: Some(document.owner).filter(|owner| !owner.is_empty()),
        deleted: document.deleted,
        collaborators: shown.collect(),
    })
}
