use larkspur_contract::model::UserIdType;
use larkspur_contract::scopes::{CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_BASE};
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::contact::v3::user::{self, DepartmentIdType, Range};
use crate::{Call, Empty, Input, Operation, translate};

/// `GET /contact/v3/scopes`
pub(super) struct List;

/// The page, and the forms of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// The form of department ids.
    department_id_type: Option<DepartmentIdType>,
    /// Empty for the first page.
    page_token: Option<String>,
    /// 50 by default.
    #[schemars(range(min = 1, max = 100))]
    page_size: Option<i64>,
}

/// A page of the contact range: users, then departments, then user groups.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// First-level departments, or the granted ones.
    department_ids: Vec<String>,
    /// Users directly in the root department, or the granted ones.
    user_ids: Vec<String>,
    /// User groups.
    group_ids: Vec<String>,
    /// Whether there is a next page.
    has_more: bool,
    /// Token of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.scope.list",
        summary: "List the contact range of an app",
        reference: "contact-v3/scope/list",
        route: get("/open-apis/contact/v3/scopes"),
        access: Access::tenant(&[CONTACT_BASE, CONTACT_ACCESS_AS_APP, CONTACT_AS_APP]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::CONTACT_PAGE_SIZE_INVALID, codes::CONTACT_PAGE_TOKEN_INVALID],
        recodes: &[],
        emits: &[],
        example: "page_size=100",
        behaviours: &[user::RANGE, user::RESIGNED, USERS_ALONE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        let size = query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(50);
        let (range, token) = (Range::of(call), query.page_token.as_deref());
        let (people, page_token) = user::members(tx, call, range, Self::SPEC.id, token, size).await?;
        let keys = &tx.engine().keys;
        Ok(Output {
            department_ids: Vec::new(),
            user_ids: people.iter().map(|user| translate::user_id(keys, call, user, form)).collect(),
            group_ids: Vec::new(),
            has_more: page_token.is_some(),
            page_token,
        })
    }
}

const USERS_ALONE: Behaviour = Behaviour {
    name: "contact_scope_users",
    rule: "The range has only users: all users of the tenant, who are directly in the root department, or those who see the app. There are no other departments and no user groups.",
    basis: Basis::Assumed,
    switch: false,
};
