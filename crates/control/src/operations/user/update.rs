use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::UserStatus;
use larkspur_contract::profile::Profile;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::{Root, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `PATCH /larkspur/v1/worlds/:tenant_key/users/:user_id`
pub(crate) struct Update;

/// What to change. Absent fields are unchanged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Name.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// State of the account. A resigned user stays in chats and documents.
    status: Option<UserStatus>,
    /// Email address; empty for none.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// Phone number; empty for none.
    #[schemars(length(max = 32))]
    mobile: Option<String>,
    /// An empty text or list clears a field.
    #[serde(flatten)]
    profile: Profile,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.user.update",
        summary: "Change a user",
        route: patch("/larkspur/v1/worlds/{tenant_key}/users/{user_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"status":"resigned"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let mut user = support::user(&mut tx, "user_id", &input.path.user_id).await?;
        user.name = body.name.clone().unwrap_or(user.name);
        user.status = body.status.unwrap_or(user.status);
        let filled = |given: &Option<String>, old| match given {
            None => old,
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        };
        user.email = filled(&body.email, user.email);
        user.mobile = filled(&body.mobile, user.mobile);
        users::update(&mut tx, &user).await?;
        let old = super::profile(&mut tx, &user.user_id).await?;
        let profile = body.profile.clone().over(old.clone());
        if profile != old {
            super::set_profile(&mut tx, &user, &body.profile, &profile).await?;
        }
        let installs = super::installs(&mut tx).await?;
        Ok(super::show(&tx, &installs, &user, profile))
    }
}
