use larkspur_api::translate;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::forms::Form;
use larkspur_contract::ids::AppId;
use larkspur_contract::model::AppKind;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::{Keys, Root, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Settings;
use super::about::About;
use super::events::setting::Setting;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/apps`
pub(crate) struct Create;

/// The app to create.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its id: `cli_` and 16 lower-case hex digits; a new one by default.
    #[schemars(extend("format" = "app-id"))]
    app_id: Option<String>,
    /// Its name.
    #[schemars(extend("default" = "app"))]
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// `custom` (the default) or `isv`.
    #[schemars(extend("default" = "custom"))]
    kind: Option<AppKind>,
    /// Whether it has a bot; true by default.
    #[schemars(extend("default" = true))]
    bot: Option<bool>,
    /// Whether its bot may be in external chats; false by default.
    #[schemars(extend("default" = false))]
    external_sharing: Option<bool>,
    /// Its scopes; all of them by default.
    #[schemars(transform = values::scope_list)]
    scopes: Option<Vec<String>>,
    /// The user_ids of the users who see it; all users by default.
    visible_to: Option<Vec<String>>,
    /// How it receives events and callbacks. By default a custom app is subscribed to everything by long connection, and an
    /// ISV app to nothing.
    events: Option<Setting>,
    #[serde(flatten)]
    about: About,
}

/// The new app.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its id.
    app_id: String,
    /// Its secret, which is not shown again.
    app_secret: String,
    /// The open_id of its bot, as seen by the app itself.
    bot_open_id: String,
}

impl Output {
    /// Its id and its secret.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        (&self.app_id, &self.app_secret)
    }
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.create",
        summary: "Create an app and install it in the world",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[&events::URL_VERIFICATION],
        example: r#"{"name":"second app","scopes":["im:chat:read"]}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let app_id = match &body.app_id {
            None => support::app_id(&tx),
            Some(id) => {
                AppId::parse(id).ok_or_else(|| values::invalid("app_id", Some(id), Form::AppId.asked()))?
            }
        };
        let settings = Settings {
            status: None,
            bot: body.bot,
            external_sharing: body.external_sharing,
            scopes: body.scopes.clone(),
            visible_to: body.visible_to.clone(),
            visible_to_all: None,
            about: About::default(),
        };
        let settings = settings.over(&mut tx, super::defaults()).await?;
        let app_secret = Keys::fresh_secret();
        let app = apps::App {
            app_id,
            developer: tx.tenant(),
            kind: body.kind.unwrap_or(AppKind::Custom),
            name: body.name.clone().unwrap_or_else(|| "app".to_owned()),
            secret_hash: call.engine.keys.hash_secret(&app_secret),
        };
        let made = support::make_app(root, &mut tx, &app, &settings, now).await?;
        made.ok_or_else(|| support::conflict("app_id", &app_id.to_string()))?;
        let install = support::app(&mut tx, "app_id", &app_id.to_string()).await?;
        body.about.write(&mut tx, &install).await?;
        match &body.events {
            Some(setting) => setting.write(root, &mut tx, (call, now), &install).await?,
            None if app.kind == AppKind::Custom => support::subscribe(&mut tx, app_id).await?,
            None => {}
        }
        let bot_open_id = translate::bot_open_id(&call.engine.keys, app_id).to_string();
        Ok(Output { app_id: app_id.to_string(), app_secret, bot_open_id })
    }
}
