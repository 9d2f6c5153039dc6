use larkspur_contract::scopes::{
    CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_BASE, CONTACT_ORGANIZE, CONTACT_READONLY,
};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{self, Forms, Page};
use super::{DEPARTMENTS, RANGE, RESIGNED, UNSET};
use crate::{Call, Empty, Input, Operation};

/// `GET /contact/v3/users/find_by_department`
pub(super) struct FindByDepartment;

/// The department, and the page of its users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The department; 0 is the root.
    department_id: String,
    #[serde(flatten)]
    forms: Forms,
    /// 10 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
}

impl Operation for FindByDepartment {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.find_by_department",
        summary: "List the users directly in a department",
        reference: "contact-v3/user/find_by_department",
        route: get("/open-apis/contact/v3/users/find_by_department"),
        access: Access::tenant_or_user(&[
            CONTACT_BASE,
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
        example: "department_id=0",
        behaviours: &[RANGE, DEPARTMENTS, RESIGNED, UNSET],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Page;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Page, Fault> {
        let query = &input.query;
        let range = page::department(call, &query.department_id)?;
        page::answer(tx, call, range, Self::SPEC.id, &query.forms, query.page_size).await
    }
}
