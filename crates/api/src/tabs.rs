//! What a tab may open, and who may manage tabs: for the operations of the platform, and for people at their clients.

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, documents};

use crate::rules;

/// Whether an operator may show a document in a tab.
///
/// # Errors
/// 232051 if the operator neither owns the document nor collaborates on it, and if there is no such document.
pub async fn may_show(tx: &mut Tx, operator: &Member, url: &str) -> Result<(), Fault> {
    let refused = || {
        Fault::new(
            codes::NO_DOC_PERMISSION,
            "the operator is not a collaborator of the document, or it does not exist",
        )
    };
    let (doc_type, token) = rules::documents::parse_url(url).ok_or_else(refused)?;
    let document = documents::get(tx, token).await?;
    let document =
        document.filter(|found| !found.deleted && found.doc_type == doc_type).ok_or_else(refused)?;
    let operator = operator.to_column();
    if document.owner == operator || documents::permission_of(tx, token, &operator).await?.is_some() {
        return Ok(());
    }
    Err(refused())
}

/// Who may manage tabs.
pub const MANAGE: Behaviour = Behaviour {
    name: "manage_widgets",
    rule: "Who may manage tabs is a chat setting that only clients can change; here the control API does. With only_owner, only owner and managers may; others get 232055. It does not apply to p2p chats.",
    basis: Documented,
    switch: false,
};
/// What a tab needs that opens a document.
pub const DOCUMENTS: Behaviour = Behaviour {
    name: "tab_document_right",
    rule: "A doc tab needs the URL of a known document kind (otherwise 232048). The operator must own the document or be its collaborator, in person or through a chat (otherwise 232051, also for unknown documents).",
    basis: Assumed,
    switch: false,
};
