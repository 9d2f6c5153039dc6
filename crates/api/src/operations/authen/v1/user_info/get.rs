use larkspur_contract::scopes::CONTACT_EMPLOYEE;
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, users};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::authen::v1::user_profile::{self, UserProfile};
use crate::{Call, Empty, Input, Operation};

/// `GET /authen/v1/user_info`
pub(crate) struct Get;

/// The user of a token.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    profile: UserProfile,
    /// Employee number; needs `contact:user.employee:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_no: Option<String>,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.user_info.get",
        summary: "Get the profile of a token's user",
        reference: "authen-v1/user_info/get",
        route: get("/open-apis/authen/v1/user_info"),
        access: Access::user(&[]),
        rate: rates::SPECIAL,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::AUTHEN_USER_ABSENT],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[TOKENS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        let absent = || Fault::new(codes::AUTHEN_USER_ABSENT, "the token's user was deleted");
        let user_id = call.operator().to_column();
        let user = users::by_id(tx, &user_id).await?.ok_or_else(absent)?;
        let known = user_profile::known(tx, &user).await?;
        let has = |scope: &str| call.has_scope(scope);
        let profile = UserProfile::of(tx, &call.app, &user, &known, has);
        Ok(Output { profile, employee_no: known.employee_no.filter(|_| has(CONTACT_EMPLOYEE)) })
    }
}

const TOKENS: Behaviour = Behaviour {
    name: "user_info_token_codes",
    rule: "The gateway refuses an invalid token, and one whose user has resigned or is frozen, with 99991668 instead of 20005, 20021 or 20022.",
    basis: Basis::Assumed,
    switch: false,
};
