use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use larkspur_store::listing::{self, Cursor, Kind, Order};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::items::{self, Page};
use super::peers;
use crate::{Actor, Call, Empty, Input, Operation};
use crate::{paging, rules, standing, translate};

/// `GET /im/v1/chats`
pub(super) struct List;

/// The page, its order, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids in the answer.
    user_id_type: Option<UserIdType>,
    /// Oldest first by default.
    sort_type: Option<SortType>,
    /// Empty for the first page.
    page_token: Option<String>,
    /// 20 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
    /// `group` and `p2p`, repeated or joined by commas; `group` by default.
    #[serde(default)]
    types: Vec<String>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum SortType {
    /// Oldest first.
    ByCreateTimeAsc,
    /// Most recently active first.
    ByActiveTimeDesc,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.list",
        summary: "List the chats that the operator is in",
        reference: "im-v1/chat/list",
        route: get("/open-apis/im/v1/chats"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_READONLY,
            scopes::IM_CHAT_READ,
            scopes::IM_CHAT_GROUP_INFO,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::APP_NOT_FOUND,
            codes::BOT_NOT_ACTIVATED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: "sort_type=ByActiveTimeDesc&page_size=20",
        behaviours: &[LISTED, ACTIVE, TYPES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Page;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Page, Fault> {
        let query = &input.query;
        standing::app_may(call)?;
        let form = translate::form(call, query.user_id_type, codes::PARAM_INVALID)?;
        let (order, about) = match query.sort_type {
            None | Some(SortType::ByCreateTimeAsc) => (Order::Creation, "creation"),
            Some(SortType::ByActiveTimeDesc) => (Order::Activity, "activity"),
        };
        let types = rules::lists::chosen("types", ["group", "p2p"], &query.types)?;
        let [groups, p2p] = types.unwrap_or([true, false]);
        if p2p && matches!(call.actor, Actor::Bot) {
            let fault = Fault::new(codes::PARAM_INVALID, "a bot's p2p chats are not listed");
            return Err(fault.with_violation("types", Some("p2p"), "options: [group]"));
        }
        let kinds: &[(Kind, &str)] = match (groups, p2p) {
            (_, false) => &[(Kind::Groups, "")],
            (false, true) => &[(Kind::P2p, " p2p")],
            (true, true) => &[(Kind::Groups, " group"), (Kind::P2p, " p2p")],
        };
        let about = kinds.iter().fold(about.to_owned(), |about, (_, name)| about + name);
        let list = items::list(Self::SPEC.id, call, &about);
        let cursor = paging::read(&tx.engine().keys, &list, query.page_token.as_deref())?;
        let cursor = cursor.as_deref().and_then(items::read);
        let size = items::size(query.page_size);
        let mut found = Vec::new();
        for (kind, _) in kinds {
            found.extend(listing::page(tx, &call.operator(), *kind, order, cursor, size + 1).await?);
        }
        if kinds.len() > 1 {
            found.sort_unstable();
            if order == Order::Activity {
                found.reverse();
            }
        }
        let more = found.len() > size;
        found.truncate(size);
        let ids: Vec<_> = found.iter().map(|cursor| cursor.chat_id).collect();
        let mut items = items::show(tx, call, &ids, form).await?;
        if p2p {
            peers::tell(tx, call, form, &mut items, peers::Name::Peers).await?;
        }
        let last = found.last().filter(|_| more);
        let token = |last: &Cursor| paging::write(&tx.engine().keys, &list, &items::write(*last));
        Ok(Page::new(items, last.map(token)))
    }
}

const LISTED: Behaviour = Behaviour {
    name: "chat_list_dissolved",
    rule: "The list omits dissolved chats, except those with their history kept.",
    basis: Assumed,
    switch: false,
};
const TYPES: Behaviour = Behaviour {
    name: "chat_list_types",
    rule: "With types p2p, the list has the user's p2p chats under the name of the other party, and each chat has its chat_mode. Without types p2p, answers are unchanged. With a tenant token, p2p is 232001; an unknown type is 99992402.",
    basis: Observed,
    switch: false,
};
const ACTIVE: Behaviour = Behaviour {
    name: "chat_active_time",
    rule: "A chat is active when an operation changes it or anything in it. In chats of more than 100 members, activity is recorded at most once per minute.",
    basis: Assumed,
    switch: false,
};
