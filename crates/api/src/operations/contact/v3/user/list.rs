use larkspur_contract::scopes::{CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_ORGANIZE, CONTACT_READONLY};
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{self, Forms, Page, Range};
use super::{DEPARTMENTS, RANGE, RESIGNED, UNSET};
use crate::{Call, Empty, Input, Operation};

/// `GET /contact/v3/users`
pub(super) struct List;

/// The department, and the page of its users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The department; without it, the users that the app was granted individually.
    department_id: Option<String>,
    #[serde(flatten)]
    forms: Forms,
    /// 10 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.list",
        summary: "List the users of a department, or those that an app was granted individually (historic)",
        reference: "contact-v3/user/list",
        route: get("/open-apis/contact/v3/users"),
        access: Access::tenant_or_user(&[
            CONTACT_ORGANIZE,
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
            codes::CONTACT_NO_USERS_AUTHORITY,
            codes::CONTACT_PAGE_SIZE_INVALID,
            codes::CONTACT_PAGE_TOKEN_INVALID,
            codes::CONTACT_NO_DEPARTMENT_AUTHORITY,
        ],
        recodes: &[],
        emits: &[],
        example: "department_id=0&page_size=50",
        behaviours: &[RANGE, DEPARTMENTS, RESIGNED, UNSET, ALONE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Page;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Page, Fault> {
        let query = &input.query;
        let department = query.department_id.as_deref().filter(|id| !id.is_empty());
        let range = match department {
            Some(id) => page::department(call, id)?,
            None => Range::of(call),
        };
        if department.is_none() && range == Range::Tenant {
            return Ok(page::empty());
        }
        page::answer(tx, call, range, Self::SPEC.id, &query.forms, query.page_size).await
    }
}

const ALONE: Behaviour = Behaviour {
    name: "contact_users_without_department",
    rule: "Without department_id, the list has the users that the app was granted individually. It is empty if the range is the whole tenant, as it is for every user.",
    basis: Basis::Observed,
    switch: false,
};
