//! Checks the parameters of the authorize page: the same when the page is shown and when its form is sent.

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Fault, codes};
use larkspur_store::apps::{self, App, Install, Scopes};
use larkspur_store::{Root, oauth};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules;
use crate::{Browse, RootCall, UserPicker};

/// The parameters of the page and, when its form is sent, the decision.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Asked {
    /// The app.
    pub(crate) client_id: Option<String>,
    /// The app; an older name of `client_id`.
    pub(crate) app_id: Option<String>,
    /// `code`; also the default.
    pub(crate) response_type: Option<String>,
    /// Where the code is sent.
    pub(crate) redirect_uri: Option<String>,
    /// The scopes to be granted, separated by spaces; at most 50.
    pub(crate) scope: Option<String>,
    /// Returned unchanged.
    pub(crate) state: Option<String>,
    /// The challenge of PKCE.
    pub(crate) code_challenge: Option<String>,
    /// How the challenge was computed: `S256` or `plain` (the default).
    pub(crate) code_challenge_method: Option<String>,
    /// `consent`; the page is shown in any case.
    pub(crate) prompt: Option<String>,
    /// Shows only users whose name contains this. Larkspur's own.
    pub(crate) name: Option<String>,
    /// The selected user: tenant and user_id, separated by a slash. Larkspur's own.
    pub(crate) user: Option<String>,
    /// The language of the page: `zh` or `en`; the browser's by default. Larkspur's own.
    pub(crate) lang: Option<String>,
    /// `allow` or `deny`. Larkspur's own.
    pub(crate) decision: Option<String>,
    /// The server's token in the page's form, which proves that the form was on a page of this server. Larkspur's own.
    pub(crate) form_token: Option<String>,
}

/// A valid request.
pub(crate) struct Checked {
    /// The app.
    pub(crate) app: App,
    /// The tenants where users can sign in to it.
    pub(crate) homes: Vec<(TenantKey, Install)>,
    /// Where the code is sent.
    pub(crate) redirect_uri: String,
    /// The requested scopes.
    pub(crate) scopes: Scopes,
    /// The challenge of PKCE and its method; both empty for none.
    pub(crate) challenge: (String, String),
}

fn missing(field: &str) -> Fault {
    Fault::new(codes::OAUTH_PARAM_MISSING, format!("{field} is missing")).with_violation(
        field,
        None,
        &format!("{field} is required"),
    )
}

fn malformed(field: &str, value: &str, why: &str) -> Fault {
    Fault::new(codes::OAUTH_MALFORMED, format!("{field}: {why}")).with_violation(field, Some(value), why)
}

/// The refusal of a value that is too long to be repeated.
fn misfit(field: &str, why: &str) -> Fault {
    Fault::new(codes::OAUTH_MALFORMED, format!("{field} is invalid")).with_violation(field, None, why)
}

/// Limits the size of everything that is stored or sent back.
fn sizes(asked: &Asked) -> Result<(), Fault> {
    for (field, text) in [("redirect_uri", &asked.redirect_uri), ("state", &asked.state)] {
        if text.as_ref().is_some_and(|text| text.len() > rules::oauth::ADDRESS_MAX) {
            return Err(misfit(field, "at most 2048 bytes"));
        }
    }
    match asked.name.as_ref().is_some_and(|name| name.chars().count() > rules::oauth::NAME_MAX) {
        true => Err(misfit("name", "at most 100 characters")),
        false => Ok(()),
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Checks a request. Refusals are pages: nothing is sent to a URL until it is known to be the app's.
pub(crate) async fn check(root: &mut Root, call: &RootCall, asked: &Asked) -> Result<Checked, Fault> {
    if call.settings.user_picker == UserPicker::Off {
        return Err(Fault::new(codes::PICKER_OFF, "behaviours.user_picker is off"));
    }
    sizes(asked)?;
    let client = given(&asked.client_id).or(given(&asked.app_id)).ok_or_else(|| missing("client_id"))?;
    let redirect_uri = given(&asked.redirect_uri).ok_or_else(|| missing("redirect_uri"))?;
    if let Some(other) = given(&asked.response_type).filter(|given| *given != "code") {
        return Err(malformed("response_type", other, "options: [code]"));
    }
    let app = match AppId::parse(client) {
        Some(id) => apps::find(root, id).await?,
        None => None,
    };
    let app = app.ok_or_else(|| Fault::new(codes::OAUTH_NO_SUCH_APP, "no app has this id"))?;
    let sign_in = oauth::sign_in(&mut root.tenant(app.developer), app.app_id).await?;
    if !rules::oauth::may_redirect(&sign_in.redirect_uris, redirect_uri) {
        return Err(Fault::new(codes::OAUTH_REDIRECT_UNREGISTERED, "the redirect_uri is not registered"));
    }
    let method = given(&asked.code_challenge_method).unwrap_or("plain");
    if !["plain", "S256"].contains(&method) {
        return Err(malformed("code_challenge_method", method, "options: [S256,plain]"));
    }
    if given(&asked.code_challenge).is_some_and(|challenge| !rules::oauth::is_challenge(challenge)) {
        return Err(misfit("code_challenge", "43 to 128 letters, digits and - . _ ~"));
    }
    let challenge = given(&asked.code_challenge)
        .map_or_else(Default::default, |challenge| (challenge.to_owned(), method.to_owned()));
    let list = rules::oauth::scope_list(asked.scope.as_deref().unwrap_or_default())
        .map_err(|twice| Fault::new(codes::OAUTH_SCOPE_TWICE, format!("{twice} is repeated")))?;
    if list.len() > rules::oauth::SCOPES_MAX {
        return Err(malformed("scope", &list.len().to_string(), "the max len is 50"));
    }
    let scopes = Scopes::new(list);
    let homes = homes(root, &app, &scopes).await?;
    Ok(Checked { app, homes, redirect_uri: redirect_uri.to_owned(), scopes, challenge })
}

/// The tenants in which the app is in use and has the scopes.
async fn homes(root: &mut Root, app: &App, scopes: &Scopes) -> Result<Vec<(TenantKey, Install)>, Fault> {
    let mut found = Vec::new();
    let mut why = Fault::new(codes::OAUTH_APP_NOT_INSTALLED, "the app is not installed in any tenant");
    for tenant in apps::homes(root, app.app_id).await? {
        let Some(install) = apps::stored_install(&mut root.tenant(tenant), app.app_id).await? else {
            continue;
        };
        let lacking = scopes.iter().find(|scope| !install.scopes.has(scope));
        match (install.status, lacking) {
            (InstallStatus::Uninstalled, _) => {}
            (InstallStatus::Disabled, _) => {
                why = Fault::new(codes::OAUTH_APP_NOT_ENABLED, "the tenant has disabled the app");
            }
            (InstallStatus::Enabled, Some(scope)) => {
                why = Fault::new(codes::OAUTH_SCOPE_NOT_GRANTED_TO_APP, format!("the app lacks {scope}"))
                    .with_violation("scope", Some(scope), &format!("the app has not been granted {scope}"));
            }
            (InstallStatus::Enabled, None) => found.push((tenant, install)),
        }
    }
    if found.is_empty() { Err(why) } else { Ok(found) }
}

/// The response to a browser, as an operation's output.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PageAnswer {
    #[serde(skip)]
    pub(crate) browse: Option<Browse>,
}

impl PageAnswer {
    pub(crate) fn of(browse: Browse) -> Self {
        PageAnswer { browse: Some(browse) }
    }
}
