use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::UserStatus;
use larkspur_contract::profile::Profile;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::users::{self, User};
use larkspur_store::{Root, user_deletion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shown;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/users`
pub(crate) struct Create;

/// The user to create.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The tenant's own id: 1 to 64 letters, digits and `_ - . @`; 8 letters and digits by default.
    #[schemars(extend("format" = "user-id"))]
    user_id: Option<String>,
    /// Name; the user_id by default.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// Email address.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// Phone number.
    #[schemars(length(max = 32))]
    mobile: Option<String>,
    /// State of the account; active by default.
    #[schemars(extend("default" = "active"))]
    status: Option<UserStatus>,
    #[serde(flatten)]
    profile: Profile,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.user.create",
        summary: "Create a user",
        route: post("/larkspur/v1/worlds/{tenant_key}/users"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: r#"{"name":"Dora"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let user_id = match &body.user_id {
            None => values::word(tx.random_id(), 8),
            Some(id) => {
                user_deletion::forget_sign_ins(&mut tx, id).await?;
                id.clone()
            }
        };
        let user = User {
            name: body.name.clone().unwrap_or_else(|| user_id.clone()),
            user_id,
            user_no: tx.next_id(),
            status: body.status.unwrap_or(UserStatus::Active),
            email: body.email.clone(),
            mobile: body.mobile.clone(),
        };
        if !users::insert(&mut tx, &user, now).await? {
            return Err(support::conflict("user_id", &user.user_id));
        }
        let profile = body.profile.clone().over(Profile::default());
        super::set_profile(&mut tx, &user, &body.profile, &profile).await?;
        let installs = super::installs(&mut tx).await?;
        Ok(super::show(&tx, &installs, &user, profile))
    }
}
