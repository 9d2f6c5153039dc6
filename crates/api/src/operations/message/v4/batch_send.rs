use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{InstallStatus, MsgType, UserIdType};
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Scope, Spec, codes, events, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::messages::batching::{self, RECEIVERS_MAX, Receivers};
use crate::{Call, Empty, Input, Operation};

/// `POST /message/v4/batch_send/`
pub(crate) struct BatchSend;

/// The message, and who receives it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its type: `text`, `post`, `image`, `share_chat` or `interactive`.
    msg_type: String,
    /// Its content: an object.
    content: Option<Value>,
    /// The card of an interactive one.
    card: Option<Value>,
    /// Departments.
    #[schemars(length(max = 200))]
    department_ids: Option<Vec<String>>,
    /// Users, by open_id.
    #[schemars(length(max = 200))]
    open_ids: Option<Vec<String>>,
    /// Users, by user_id.
    #[schemars(length(max = 200))]
    user_ids: Option<Vec<String>>,
    /// Users, by union_id.
    #[schemars(length(max = 200))]
    union_ids: Option<Vec<String>>,
}

/// What was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Departments that were not told.
    invalid_department_ids: Vec<String>,
    /// open_ids of those who were not told.
    invalid_open_ids: Vec<String>,
    /// union_ids of those who were not told.
    invalid_union_ids: Vec<String>,
    /// user_ids of those who were not told.
    invalid_user_ids: Vec<String>,
    /// The id of the batch.
    message_id: String,
}

impl Operation for BatchSend {
    const SPEC: &'static Spec = &Spec {
        id: "message.v4.batch_send",
        summary: "Send a message to many people",
        reference: "im-v1/batch_message/send-messages-in-batches",
        route: post("/open-apis/message/v4/batch_send"),
        access: Access::tenant(&[scopes::IM_MESSAGE, scopes::IM_MESSAGE_SEND_AS_BOT]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("ok"),
        invalid: codes::BATCH_INVALID,
        codes: &[
            codes::BATCH_FAILED,
            codes::BATCH_INVALID,
            codes::BATCH_NO_RECEIVER,
            codes::BATCH_USERS_DENIED,
            codes::BATCH_DEPARTMENTS_DENIED,
            codes::BATCH_NO_BOT,
            codes::BATCH_APP_DISABLED,
            codes::BATCH_APP_NOT_FOUND,
            codes::BATCH_APP_NOT_INSTALLED,
            codes::BATCH_SCOPE_MISSING,
            codes::BATCH_IMAGE_NOT_FOUND,
            codes::BATCH_CHAT_NOT_FOUND,
            codes::BATCH_AT_ALL_DENIED,
            codes::BATCH_CONTENT_REFUSED,
            codes::BATCH_TOO_MANY,
            codes::BATCH_NOT_AUDITED,
            codes::BATCH_TEST_RESTRICTED,
        ],
        recodes: batching::RECODES,
        emits: &[&events::P2P_CHAT_CREATE],
        example: r#"{"msg_type":"text","content":{"text":"hello"},"open_ids":["{open_id}"]}"#,
        behaviours: &[batching::RECEIVERS, batching::CONTENT, batching::DAILY, STATUS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        app_may(call)?;
        let parsed = batching::read(&body.msg_type, body.content.as_ref(), body.card.as_ref())?;
        let ids = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let (departments, open_ids) = (ids(&body.department_ids), ids(&body.open_ids));
        let (user_ids, union_ids) = (ids(&body.user_ids), ids(&body.union_ids));
        let people = !(open_ids.is_empty() && user_ids.is_empty() && union_ids.is_empty());
        if !people && departments.is_empty() {
            return Err(Fault::new(codes::BATCH_INVALID, "no ids"));
        }
        if people {
            has(call, scopes::IM_MESSAGE_MULTI_USERS, codes::BATCH_USERS_DENIED)?;
        }
        if !departments.is_empty() {
            has(call, scopes::IM_MESSAGE_MULTI_DEPARTMENTS, codes::BATCH_DEPARTMENTS_DENIED)?;
        }
        let mut found = Receivers::default();
        let invalid_department_ids = found.add_departments(tx, call, &departments).await?;
        let invalid_open_ids = found.add(tx, call, UserIdType::OpenId, &open_ids).await?;
        let invalid_user_ids = found.add(tx, call, UserIdType::UserId, &user_ids).await?;
        let invalid_union_ids = found.add(tx, call, UserIdType::UnionId, &union_ids).await?;
        if found.users.is_empty() {
            return Err(Fault::new(codes::BATCH_NO_RECEIVER, "none of the ids names a receiver"));
        }
        if found.users.len() > RECEIVERS_MAX {
            return Err(Fault::new(codes::BATCH_INVALID, format!("more than {RECEIVERS_MAX} people")));
        }
        let kind = parsed.kind();
        let batch = batching::send(tx, call, &found.users, parsed).await;
        let batch = batch.map_err(|fault| of_page(kind, fault))?;
        Ok(Output {
            invalid_department_ids,
            invalid_open_ids,
            invalid_union_ids,
            invalid_user_ids,
            message_id: batch.batch_id,
        })
    }
}

/// The refusal of content in the words of this page: an unknown key is 230001 for messages, and its texts have no causes.
fn of_page(kind: MsgType, fault: Fault) -> Fault {
    let image = kind == MsgType::Image || fault.cause() == Some("invalid image_key");
    let known = fault.code() == codes::MESSAGE_INVALID;
    let fault = fault.without_cause();
    match kind {
        _ if known && image => fault.with_code(codes::BATCH_IMAGE_NOT_FOUND),
        MsgType::ShareChat if known => fault.with_code(codes::BATCH_CHAT_NOT_FOUND),
        _ => fault,
    }
}

/// Whether the app is in use and has a bot.
fn app_may(call: &Call) -> Result<(), Fault> {
    if !call.app.bot {
        return Err(Fault::new(codes::BATCH_NO_BOT, "the app has no bot; enable its bot ability"));
    }
    match call.app.status {
        InstallStatus::Enabled => Ok(()),
        InstallStatus::Disabled => Err(Fault::new(codes::BATCH_APP_DISABLED, "the tenant disabled the app")),
        InstallStatus::Uninstalled => {
            Err(Fault::new(codes::BATCH_APP_NOT_INSTALLED, "the app is not installed in this tenant"))
        }
    }
}

/// Whether the app has a scope that a list of receivers needs.
fn has(call: &Call, scope: Scope, lacks: larkspur_contract::Code) -> Result<(), Fault> {
    if call.has_scope(scope) {
        return Ok(());
    }
    Err(Fault::new(lacks, format!("the app lacks {scope}")))
}

const STATUS: Behaviour = Behaviour {
    name: "batch_status",
    rule: "The page's refusals have HTTP status 200; those of the gateway, a missing scope of the page included, have their usual one. The path may end with a slash.",
    basis: Assumed,
    switch: false,
};
