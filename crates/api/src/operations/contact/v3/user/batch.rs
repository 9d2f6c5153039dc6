use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::UserInfo;
use super::{DepartmentIdType, RANGE, UNSET, once, shown};
use crate::translate::{self, Named};
use crate::{Actor, Call, Empty, Input, Operation};

/// `GET /contact/v3/users/batch`
pub(super) struct Batch;

/// The users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The users, in the form that `user_id_type` names.
    #[schemars(length(min = 1, max = 50))]
    user_ids: Vec<String>,
    /// The form of ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// The form of department ids.
    department_id_type: Option<DepartmentIdType>,
}

/// The users.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The users in the caller's range, with the fields that it may see, in the order of the request.
    items: Vec<UserInfo>,
}

impl Operation for Batch {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.batch",
        summary: "Get up to 50 users",
        reference: "contact-v3/user/batch",
        route: get("/open-apis/contact/v3/users/batch"),
        access: Access::tenant_or_user(&[scopes::CONTACT_BASE]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CONTACT_PARAM_INVALID,
            codes::CONTACT_NO_USER_AUTHORITY,
            codes::CONTACT_NO_DEPARTMENTS_AUTHORITY,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: "user_ids={open_id}",
        behaviours: &[RANGE, UNSET, LEFT_OUT],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let form = translate::form(call, query.user_id_type, codes::CONTACT_PARAM_INVALID)?;
        let ids = once(&query.user_ids);
        let named = translate::all_named(tx, call, form, &ids).await?;
        if let Some(refusal) = translate::refusal_of_any(form, &ids, &named) {
            return Err(refusal.about("user_ids[*]"));
        }
        let audience = match call.actor {
            Actor::User { .. } => None,
            Actor::Bot => Some(translate::audience(tx, call, &named).await?),
        };
        let people = named.into_iter().filter_map(|named| match named {
            Named::User(user) => Some(user),
            _ => None,
        });
        let may_read = |id: &str| audience.as_ref().is_none_or(|audience| audience.has(id));
        let people: Vec<_> = people.filter(|user| may_read(&user.user_id)).collect();
        Ok(Output { items: shown::show(tx, call, &people, form, true).await? })
    }
}

const LEFT_OUT: Behaviour = Behaviour {
    name: "contact_batch_left_out",
    rule: "Bots and users outside the caller's range are omitted, and a repeated id is answered once. An id that is no user or bot of the tenant refuses the whole call with the gateway's 99992351, 99992360, 99992361 or 99992363.",
    basis: Basis::Assumed,
    switch: false,
};
