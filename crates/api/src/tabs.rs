//! What a tab may open, and who may manage tabs: for the operations of the platform, and for people at their clients.

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::TabId;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::Member;
use larkspur_store::tabs::{self, Tab};
use larkspur_store::{LockedChat, Tx, documents};

use crate::rules;
use crate::standing::Standing;

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

/// The tabs of a chat, in their order, for an operator who changes them.
///
/// # Errors
/// 232050 in a chat that has no tabs, 232055 for an operator who may not manage them.
pub async fn managed(tx: &mut Tx, chat: &LockedChat, standing: &Standing) -> Result<Vec<Tab>, Fault> {
    rules::tabs::mode_has_tabs(chat)?;
    rules::widgets::may_manage(chat, standing)?;
    Ok(tabs::list(tx, chat.chat_id).await?)
}

/// Adds checked tabs to those of a chat; returns all of them.
///
/// # Errors
/// 232046 if there would be too many.
pub async fn add(
    tx: &mut Tx,
    chat: &LockedChat,
    mut present: Vec<Tab>,
    new: Vec<Tab>,
) -> Result<Vec<Tab>, Fault> {
    let custom = present.iter().filter(|tab| rules::tabs::is_custom(tab.tab_type)).count();
    rules::tabs::count_fits(custom, new.len())?;
    for tab in new {
        tabs::insert(tx, chat, &tab).await?;
        present.push(tab);
    }
    Ok(present)
}

/// Puts the tabs of a chat in the order of `ids`; `None` if these are not each of its tabs once, the message tab first.
///
/// # Errors
/// The store is unavailable.
pub async fn reorder(
    tx: &mut Tx,
    chat: &LockedChat,
    mut present: Vec<Tab>,
    ids: &[String],
) -> Result<Option<Vec<Tab>>, Fault> {
    let asked: Option<Vec<TabId>> = ids.iter().map(|id| TabId::parse(id)).collect();
    let Some(order) = asked.filter(|asked| rules::tabs::is_order(&present, asked)) else { return Ok(None) };
    for (position, id) in order.iter().enumerate() {
        tabs::place(tx, chat, *id, position).await?;
    }
    present.sort_by_key(|tab| order.iter().position(|id| *id == tab.tab_id));
    Ok(Some(present))
}

/// Whether a tab can be deleted.
///
/// # Errors
/// 232049 for a built-in one.
pub fn may_delete(tab: &Tab) -> Result<(), Fault> {
    if rules::tabs::is_custom(tab.tab_type) {
        return Ok(());
    }
    Err(Fault::new(codes::TAB_NOT_WRITABLE_DELETE, "a built-in tab cannot be deleted"))
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
