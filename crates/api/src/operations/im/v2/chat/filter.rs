//! The filter and the order of a search.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ChatMode, ChatType, GroupMessageType, UserIdType};
use larkspur_contract::{Behaviour, Fault};
use larkspur_store::Tx;
use larkspur_store::chats::Member;
use larkspur_store::listing::{self, Cursor, Facts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Call;
use crate::translate::{self, Named};

/// Conditions on the chats; absent ones match all.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Filter {
    /// One of these kinds.
    #[schemars(length(max = 4))]
    search_types: Vec<SearchType>,
    /// One of these modes.
    #[schemars(length(max = 2))]
    chat_modes: Vec<Mode>,
    /// All of these users are members.
    #[schemars(length(max = 50))]
    pub(super) member_ids: Vec<String>,
    /// Only chats that the operator created, owns or manages.
    is_manager: bool,
    /// Do not search by names of members.
    pub(super) disable_search_by_user: bool,
}

/// A kind of chat, as seen by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SearchType {
    /// A private chat without users of other tenants.
    Private,
    /// A chat with users of other tenants.
    External,
    /// A public chat that the operator is in.
    PublicJoined,
    /// A public chat that the operator is not in.
    PublicNotJoined,
}

/// A mode of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// In one stream.
    Default,
    /// A topic chat, or one with threads.
    Thread,
}

/// A descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Sorter {
    /// Newest first.
    #[serde(rename = "create_time_desc")]
    CreateTime,
    /// Most recently active first.
    #[serde(rename = "update_time_desc")]
    UpdateTime,
    /// Largest first.
    #[serde(rename = "member_count_desc")]
    MemberCount,
}

/// The users of a filter, without duplicates.
pub(super) async fn members(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    filter: &Filter,
) -> Result<Vec<Member>, Fault> {
    let mut members = Vec::new();
    let ids: Vec<&str> = filter.member_ids.iter().map(String::as_str).collect();
    for (id, found) in ids.iter().zip(translate::all_named(tx, call, form, &ids).await?) {
        match found {
            Named::User(user) => members.push(Member::User(user.user_id)),
            Named::Bot(app) => members.push(Member::Bot(app)),
            unknown => return Err(translate::refusal(form, id, &unknown).about("filter.member_ids[*]")),
        }
    }
    members.sort();
    members.dedup();
    Ok(members)
}

/// The chats that the operator shares with another member, oldest first.
pub(super) async fn shared(tx: &mut Tx, call: &Call, other: &Member) -> Result<Vec<Cursor>, Fault> {
    let mut found = listing::shared(tx, &call.operator(), other).await?;
    found.sort_unstable();
    Ok(found)
}

/// The chats that match a filter. Members are known only of joined chats.
pub(super) async fn kept(
    tx: &mut Tx,
    call: &Call,
    found: &[Cursor],
    filter: &Filter,
    members: &[Member],
) -> Result<Vec<Facts>, Fault> {
    let me = call.operator();
    let ids: Vec<_> = found.iter().map(|cursor| cursor.chat_id).collect();
    let mut kept = listing::facts(tx, &ids).await?;
    let joined = listing::joined(tx, &ids, &me).await?;
    let (operator, app) = (me.to_column(), call.app_id().to_string());
    kept.retain(|facts| {
        let standing = joined.get(&facts.chat_id).copied();
        let made = matches!(me, Member::Bot(_)) && facts.creator_app == app;
        (filter.search_types.is_empty() || filter.search_types.contains(&kind(facts, standing.is_some())))
            && (filter.chat_modes.is_empty() || filter.chat_modes.contains(&mode(facts)))
            && (!filter.is_manager || made || standing == Some(true) || facts.owner == operator)
            && (members.is_empty() || standing.is_some())
    });
    for member in members {
        let ids: Vec<_> = kept.iter().map(|facts| facts.chat_id).collect();
        let theirs = listing::joined(tx, &ids, member).await?;
        kept.retain(|facts| theirs.contains_key(&facts.chat_id));
    }
    Ok(kept)
}

fn kind(facts: &Facts, joined: bool) -> SearchType {
    match (facts.external, facts.chat_type, joined) {
        (true, ..) => SearchType::External,
        (false, ChatType::Private, _) => SearchType::Private,
        (false, ChatType::Public, true) => SearchType::PublicJoined,
        (false, ChatType::Public, false) => SearchType::PublicNotJoined,
    }
}

fn mode(facts: &Facts) -> Mode {
    match facts.mode == ChatMode::Topic || facts.messages == GroupMessageType::Thread {
        true => Mode::Thread,
        false => Mode::Default,
    }
}

/// The cursors of chats, in the order of the search.
pub(super) fn sorted(kept: &[Facts], sorter: Option<Sorter>) -> Vec<Cursor> {
    let key = |facts: &Facts| match sorter {
        None => facts.created_at,
        Some(Sorter::CreateTime) => facts.created_at.saturating_neg(),
        Some(Sorter::UpdateTime) => facts.active_at.saturating_neg(),
        Some(Sorter::MemberCount) => facts.members.saturating_neg(),
    };
    let mut cursors: Vec<Cursor> =
        kept.iter().map(|facts| Cursor { time: key(facts), chat_id: facts.chat_id }).collect();
    cursors.sort_unstable();
    cursors
}

pub(super) const FILTERS: Behaviour = Behaviour {
    name: "search_v2_filters",
    rule: "An external chat has only the search type external. chat_modes thread matches topic chats and chats with threads. member_ids matches joined chats that all these users are in. is_manager matches chats that the operator owns or manages, and those that the operator's bot created.",
    basis: Assumed,
    switch: false,
};
