use larkspur_contract::ids::TenantKey;
use larkspur_contract::model::UserStatus;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::apps::Scopes;
use larkspur_store::oauth::{self, AuthCode};
use larkspur_store::{Keys, Root, apps, tenants, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::authen::v1::authorize_request::{self, Asked, Checked, PageAnswer};
use crate::operations::authen::v1::form_token;
use crate::operations::authen::v1::page_policy::BEHAVIOURS;
use crate::rules::oauth::with_query;
use crate::{Browse, Empty, Input, Operation, RootCall};

/// How long a code is valid, in milliseconds. Source: the authorize page's manual (5 minutes).
const CODE_LIFE_MS: i64 = 5 * 60 * 1000;

/// `POST /authen/v1/authorize`: sent by the buttons of the page.
pub(crate) struct Decide;

/// The language of refusals.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The language of the page: `zh` or `en`; the browser's by default.
    lang: Option<String>,
}

impl Operation for Decide {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.authorize.decide",
        summary: "Allow or deny an app's request to sign a user in",
        reference: "authentication-management/access-token/obtain-oauth-code",
        route: post("/open-apis/authen/v1/authorize"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::Page,
        invalid: codes::OAUTH_MALFORMED,
        codes: &[
            codes::OAUTH_PARAM_MISSING,
            codes::OAUTH_USER_ABSENT,
            codes::OAUTH_APP_NOT_INSTALLED,
            codes::OAUTH_USER_NOT_PERMITTED,
            codes::OAUTH_SCOPE_NOT_GRANTED_TO_APP,
            codes::OAUTH_REDIRECT_UNREGISTERED,
            codes::OAUTH_NO_SUCH_APP,
            codes::OAUTH_MALFORMED,
            codes::OAUTH_USER_STATUS,
            codes::OAUTH_SCOPE_TWICE,
            codes::OAUTH_APP_NOT_ENABLED,
            codes::PICKER_OFF,
            codes::FORM_FOREIGN,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: BEHAVIOURS,
        deviations: &["Larkspur's own: the platform's page sends its form elsewhere."],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Query;
    type Body = Asked;
    type Output = PageAnswer;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<PageAnswer, Fault> {
        let asked = &input.body;
        let checked = authorize_request::check(root, call, asked).await?;
        if !form_token::fits(&call.engine.keys, asked, call.now) {
            return Err(Fault::new(
                codes::FORM_FOREIGN,
                "the form_token is missing, old, or of another request",
            ));
        }
        let answer = match asked.decision.as_deref() {
            Some("allow") => ("code", allow(root, call, asked, &checked).await?),
            Some("deny") => ("error", "access_denied".to_owned()),
            other => {
                return Err(Fault::new(codes::OAUTH_MALFORMED, format!("the decision is {other:?}"))
                    .with_violation("decision", other, "options: [allow,deny]"));
            }
        };
        let mut pairs = vec![(answer.0, answer.1.as_str())];
        pairs.extend(asked.state.as_deref().map(|state| ("state", state)));
        Ok(PageAnswer::of(Browse::Elsewhere(with_query(&checked.redirect_uri, &pairs))))
    }

    fn page(output: &mut PageAnswer) -> Option<Browse> {
        output.browse.take()
    }
}

/// Grants the requested scopes in addition to earlier ones, and creates a code.
async fn allow(root: &mut Root, call: &RootCall, asked: &Asked, checked: &Checked) -> Result<String, Fault> {
    let absent = || Fault::new(codes::OAUTH_USER_ABSENT, "no such user where the app is in use");
    let (tenant, user_id) = asked.user.as_deref().and_then(|user| user.split_once('/')).ok_or_else(absent)?;
    let tenant = TenantKey::parse(tenant).ok_or_else(absent)?;
    let (_, install) = checked.homes.iter().find(|(home, _)| *home == tenant).ok_or_else(absent)?;
    let mut tx = root.tenant(tenant);
    let home = tenants::lock(&mut tx).await?.ok_or_else(absent)?;
    let now = call.now + home.clock_offset_ms;
    let user = users::by_id(&mut tx, user_id).await?.ok_or_else(absent)?;
    if user.status != UserStatus::Active {
        return Err(Fault::new(codes::OAUTH_USER_STATUS, "the user is not active"));
    }
    if !apps::is_visible_to(&mut tx, install, &user.user_id).await? {
        return Err(Fault::new(codes::OAUTH_USER_NOT_PERMITTED, "the user does not see the app"));
    }
    let app_id = checked.app.app_id;
    let before = users::stored_grant(&mut tx, app_id, user.user_no.cast_unsigned()).await?;
    let before = before.map(|grant| grant.scopes).unwrap_or_default();
    let all = Scopes::new(before.iter().chain(checked.scopes.iter()));
    users::set_grant(&mut tx, app_id, &user, &all, false).await?;
    // The code starts with the tenant, so it is looked up in one tenant.
    let code = format!("{tenant}{}", Keys::fresh_secret());
    let kept = AuthCode {
        app_id,
        user_id: user.user_id,
        redirect_uri: checked.redirect_uri.clone(),
        scopes: checked.scopes.to_column(),
        challenge: checked.challenge.0.clone(),
        challenge_method: checked.challenge.1.clone(),
        expires_at: now + CODE_LIFE_MS,
        used: false,
    };
    oauth::insert_code(&mut tx, &call.engine.keys.hash_secret(&code), &kept, now).await?;
    Ok(code)
}
