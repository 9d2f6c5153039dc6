use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, parties, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::people::People;
use crate::translate::Named;
use crate::{Call, Empty, Input, Operation};
use crate::{standing, translate};

/// `POST /im/v1/chat_p2p/batch_query`
pub(super) struct BatchQuery;

/// The form of ids; clients use either parameter.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of ids in the request and the answer; `open_id` by default.
    chatter_id_type: Option<UserIdType>,
    /// The same; used if `chatter_id_type` is absent.
    user_id_type: Option<UserIdType>,
}

/// The other parties.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Users, or bots by open_id.
    #[schemars(length(min = 1, max = 50))]
    chatter_ids: Vec<String>,
}

/// The chats that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// One for each other party with a p2p chat.
    p2p_chats: Vec<P2pChat>,
}

/// A p2p chat of the user.
#[derive(Debug, Serialize, JsonSchema)]
struct P2pChat {
    /// The chat.
    chat_id: String,
    /// The calling user.
    chatter_id1: String,
    /// The other party, as in the request.
    chatter_id2: String,
}

impl Operation for BatchQuery {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_p2p.batch_query",
        summary: "Find the user's p2p chats with the given users or bots",
        reference: "im-v1/chat_p2p/batch_query",
        route: post("/open-apis/im/v1/chat_p2p/batch_query"),
        access: Access::user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::BOT_NOT_ACTIVATED,
            codes::APP_UNAVAILABLE,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::UNION_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"chatter_ids":["{open_id}"]}"#,
        behaviours: &[SHAPE, FOUND],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        let (query, ids) = (&input.query, &input.body.chatter_ids);
        Some(People::new(query.chatter_id_type.or(query.user_id_type), "chatter_ids[*]", ids))
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        standing::app_may(call)?;
        let query = &input.query;
        let (parameter, asked) = match query.chatter_id_type {
            Some(asked) => ("chatter_id_type", Some(asked)),
            None => ("user_id_type", query.user_id_type),
        };
        let form = translate::form_of(call, parameter, asked, codes::FIELD_VALIDATION)?;
        let mut ids: Vec<&str> = Vec::with_capacity(input.body.chatter_ids.len());
        for id in &input.body.chatter_ids {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        let mut others = Vec::with_capacity(ids.len());
        for (id, named) in ids.iter().zip(translate::all_named(tx, call, form, &ids).await?) {
            others.push(match named {
                Named::User(user) => Member::User(user.user_id),
                Named::Bot(app) => Member::Bot(app),
                unknown => return Err(translate::refusal(form, id, &unknown).about("chatter_ids[*]")),
            });
        }
        let me = call.operator();
        let found = parties::between(tx, &me, &others).await?;
        let my_id = match users::by_id(tx, me.user_id().unwrap_or_default()).await? {
            Some(user) => translate::user_id(&tx.engine().keys, call, &user, form),
            None => String::new(),
        };
        let chat = |(id, other): (&str, &Member)| {
            Some(P2pChat {
                chat_id: found.get(other)?.to_string(),
                chatter_id1: my_id.clone(),
                chatter_id2: id.to_owned(),
            })
        };
        Ok(Output { p2p_chats: ids.into_iter().zip(&others).filter_map(chat).collect() })
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "p2p_batch_shape",
    rule: "This operation has no public page: request and answer are those of the vendor's plugin and command line client; the form of ids is in chatter_id_type or user_id_type.",
    basis: Observed,
    switch: false,
};
const FOUND: Behaviour = Behaviour {
    name: "p2p_batch_found",
    rule: "In the order of the request, each id once; chatter_id1 is the caller. Ids without a p2p chat in use are omitted without an error; an unknown id is the gateway's 9999235x/236x. If there are several chats of the same two parties, which only the control API creates, the oldest is returned.",
    basis: Assumed,
    switch: false,
};
