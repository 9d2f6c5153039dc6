//! The other parties of the p2p chats in a list.

use std::collections::HashMap;

use larkspur_contract::Fault;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, UserIdType};
use larkspur_store::chats::Member;
use larkspur_store::users::User;
use larkspur_store::{Tx, apps, parties, users};

use super::items::{Item, PeerKind};
use crate::{Call, translate};

/// The name to answer for a p2p chat, which has no name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// That of the other party.
    Peers,
    /// The empty name.
    Empty,
}

/// Adds to each chat its mode and, for a p2p chat, the other party. The operator is in all of them.
pub(super) async fn tell(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    items: &mut [Item],
    name: Name,
) -> Result<(), Fault> {
    let p2p = items.iter().filter(|item| item.mode == ChatMode::P2p);
    let ids: Vec<ChatId> = p2p.filter_map(|item| ChatId::parse(&item.chat_id)).collect();
    let others = parties::others(tx, &call.operator(), &ids).await?;
    let people = users::by_ids(tx, others.values().filter_map(Member::user_id)).await?;
    let people: HashMap<&str, &User> = people.iter().map(|user| (user.user_id.as_str(), user)).collect();
    let bots = others.values().filter_map(|other| match other {
        Member::Bot(app) => Some(*app),
        Member::User(_) => None,
    });
    let bots = apps::installs(tx, bots).await?;
    let keys = &tx.engine().keys;
    for item in items {
        item.chat_mode = Some(item.mode);
        if item.mode != ChatMode::P2p {
            continue;
        }
        let (kind, id, named) = match ChatId::parse(&item.chat_id).and_then(|id| others.get(&id)) {
            Some(Member::User(user_id)) => {
                let user = people.get(user_id.as_str());
                let id = user.map(|user| translate::user_id(keys, call, user, form));
                (Some(PeerKind::User), id, user.map(|user| user.name.clone()))
            }
            Some(Member::Bot(app)) => {
                let named = bots.get(app).map(|found| found.name.clone());
                (Some(PeerKind::Bot), Some(translate::bot_id(keys, call, *app)), named)
            }
            None => (None, None, None),
        };
        (item.p2p_target_type, item.p2p_target_id) = (kind, id);
        item.name = named.filter(|_| name == Name::Peers).unwrap_or_default();
    }
    Ok(())
}
