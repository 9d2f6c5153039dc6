use larkspur_contract::ids::AppId;
use larkspur_contract::model::{AppKind, InstallStatus, UserIdType};
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::{Tx, apps, oauth, publishing, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IDENTITIES;
use super::shown::{Application, I18n, Owner, Scope};
use super::subscriptions::Subscriptions;
use crate::rules::images::avatar_url;
use crate::{Call, Empty, Input, Operation, rules, translate};

/// `GET /application/v6/applications/:app_id`
pub(super) struct Get;

/// The app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// The app, or `me` for the calling one.
    app_id: String,
}

/// The language, and the form of user ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Language of texts.
    lang: Lang,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// A language.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Lang {
    ZhCn,
    EnUs,
    JaJp,
}

/// The app.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The app.
    app: Application,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "application.v6.application.get",
        summary: "Get an app",
        reference: "application-v6/application/get",
        route: get("/open-apis/application/v6/applications/{app_id}"),
        access: Access::tenant(&[scopes::APPLICATION_SELF_MANAGE, scopes::ADMIN_APP_INFO]),
        rate: rates::TIER_9,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::APPLICATION_ID_INVALID,
            codes::APPLICATION_NOT_IN_TENANT,
            codes::APPLICATION_NOT_CUSTOM,
            codes::APPLICATION_UNKNOWN,
            codes::APPLICATION_LEVEL_TOO_LOW,
        ],
        recodes: &[],
        emits: &[],
        example: "lang=zh_cn",
        behaviours: &[IDENTITIES, SHOWN, ORDER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let form = translate::form(call, input.query.user_id_type, codes::FIELD_VALIDATION)?;
        let install = find(tx, call, &input.path.app_id).await?;
        let about = publishing::about(tx, install.app_id).await?;
        let is_ours = install.developer == tx.tenant();
        let owner = match is_ours {
            true => users::by_id(tx, &about.owner).await?,
            false => None,
        };
        let owner_id = owner.as_ref().map(|user| translate::user_id(&tx.engine().keys, call, user, form));
        let redirect_urls = match is_ours {
            true => oauth::sign_in(tx, install.app_id).await?.redirect_uris,
            false => Vec::new(),
        };
        let scope = |scope: &str| Scope {
            scope: scope.to_owned(),
            description: String::new(),
            level: 1,
            token_types: rules::scopes::identities(scope),
        };
        let ability = install.bot.then_some("bot");
        let subscriptions = Subscriptions::of(tx, &install, install.app_id == call.app_id()).await?;
        Ok(Output {
            app: Application {
                app_id: install.app_id.to_string(),
                creator_id: owner_id.clone().unwrap_or_default(),
                status: match install.status {
                    InstallStatus::Disabled => 0,
                    InstallStatus::Enabled => 1,
                    InstallStatus::Uninstalled => 2,
                },
                scene_type: u8::from(install.kind == AppKind::Isv),
                payment_type: 0,
                redirect_urls,
                online_version_id: String::new(),
                unaudit_version_id: String::new(),
                app_name: install.name.clone(),
                avatar_url: avatar_url(""),
                description: about.description.clone(),
                scopes: install.scopes.iter().map(scope).collect(),
                back_home_url: String::new(),
                i18n: vec![I18n {
                    i18n_key: PRIMARY,
                    name: install.name.clone(),
                    description: about.description,
                    help_use: String::new(),
                }],
                primary_language: PRIMARY,
                common_categories: Vec::new(),
                owner: Owner {
                    kind: if is_ours { 2 } else { 1 },
                    owner_id: owner_id.unwrap_or_default(),
                    name: owner.map(|user| user.name).unwrap_or_default(),
                },
                subscriptions,
                mobile_default_ability: ability,
                pc_default_ability: ability,
            },
        })
    }
}

/// The app that a path names, if the caller may see it.
async fn find(tx: &mut Tx, call: &Call, id: &str) -> Result<apps::Install, Fault> {
    if id == "me" {
        return Ok(apps::Install::clone(&call.app));
    }
    let refused = |code, why: &str| Fault::new(code, format!("app_id {id}: {why}"));
    let app = AppId::parse(id)
        .ok_or_else(|| refused(codes::APPLICATION_ID_INVALID, "must be cli_ and 16 lower-case hex digits"))?;
    if app == call.app_id() {
        return Ok(apps::Install::clone(&call.app));
    }
    if !call.has_scope(scopes::ADMIN_APP_INFO) {
        let why = "reading another app needs admin:app.info:readonly";
        return Err(refused(codes::APPLICATION_LEVEL_TOO_LOW, why));
    }
    match apps::install(tx, app).await? {
        Some(install) if install.kind == AppKind::Custom => Ok(apps::Install::clone(&install)),
        Some(_) => Err(refused(codes::APPLICATION_NOT_CUSTOM, "a store app")),
        None if apps::is_known(tx, app).await? => {
            Err(refused(codes::APPLICATION_NOT_IN_TENANT, "not installed in this tenant"))
        }
        None => Err(refused(codes::APPLICATION_UNKNOWN, "no app has this id")),
    }
}

/// The language of an app's texts.
const PRIMARY: &str = "zh_cn";

const SHOWN: Behaviour = Behaviour {
    name: "application_shown",
    rule: "The owner, who is also the creator, is set by the control API; without one, creator_id and owner_id are empty. Texts are the same in every language. Every scope has level 1 and no description. There are no versions, so both version ids are empty.",
    basis: Basis::Assumed,
    switch: false,
};
const ORDER: Behaviour = Behaviour {
    name: "application_checks",
    rule: "Codes in this order: 210503 for a malformed id, 210508 for another app without admin:app.info:readonly, 210506 for an unknown app, 210504 for an app that is not installed in the tenant, 210505 for a store app.",
    basis: Basis::Assumed,
    switch: false,
};
