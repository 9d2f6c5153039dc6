use larkspur_contract::model::UserIdType;
use larkspur_contract::scopes::{self, CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_READONLY};
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::UserInfo;
use super::{DepartmentIdType, RANGE, UNSET, shown};
use crate::translate::{self, Named};
use crate::{Actor, Call, Empty, Input, Operation};

/// `GET /contact/v3/users/:user_id`
pub(super) struct Get;

/// The user.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// The user, in the form that `user_id_type` names.
    user_id: String,
}

/// The forms of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of the id in the path; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// The form of department ids; the root is 0 in both.
    department_id_type: Option<DepartmentIdType>,
}

/// The user.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The fields that the caller may see.
    user: UserInfo,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.get",
        summary: "Get a user",
        reference: "contact-v3/user/get",
        route: get("/open-apis/contact/v3/users/{user_id}"),
        access: Access::tenant_or_user(&[
            scopes::CONTACT_BASE,
            CONTACT_ACCESS_AS_APP,
            CONTACT_READONLY,
            CONTACT_AS_APP,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CONTACT_PARAM_INVALID,
            codes::CONTACT_INTERNAL,
            codes::CONTACT_USER_ID_INVALID,
            codes::CONTACT_NO_USER_AUTHORITY,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: "user_id_type=open_id",
        behaviours: &[RANGE, UNSET, BOTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (id, query) = (&input.path.user_id, &input.query);
        let form = translate::form(call, query.user_id_type, codes::CONTACT_PARAM_INVALID)?;
        let user = match translate::named(tx, call, form, id).await? {
            Named::User(user) => user,
            Named::Bot(_) => return Err(Fault::new(codes::CONTACT_USER_ID_INVALID, "the id is a bot's")),
            other => return Err(translate::refusal(form, id, &other).about("user_id")),
        };
        let in_range = match call.actor {
            Actor::User { .. } => true,
            Actor::Bot => apps::is_visible_to(tx, &call.app, &user.user_id).await?,
        };
        if !in_range {
            return Err(Fault::new(codes::CONTACT_NO_USER_AUTHORITY, "the user does not see the app"));
        }
        let mut shown = shown::show(tx, call, &[user], form, false).await?;
        let user = shown.pop().ok_or_else(|| Fault::new(codes::INTERNAL, "the user was not shown"))?;
        Ok(Output { user })
    }
}

const BOTS: Behaviour = Behaviour {
    name: "contact_of_bots",
    rule: "The open_id of a bot is 41012. An unknown id is the gateway's 99992351, 99992360, 99992361 or 99992363.",
    basis: Basis::Assumed,
    switch: false,
};
