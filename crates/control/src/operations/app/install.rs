use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::AppId;
use larkspur_contract::model::AppKind;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::events::subscriptions;
use larkspur_store::{Root, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::About;
use super::{App, Settings};
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/installs`
pub(crate) struct Install;

/// The app to install.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// An ISV app of another world.
    app_id: String,
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
}

impl Operation for Install {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.install",
        summary: "Install an ISV app of another world",
        route: post("/larkspur/v1/worlds/{tenant_key}/installs"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: r#"{"app_id":"{app_id}"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = App;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<App, Fault> {
        let body = &input.body;
        let id = &body.app_id;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let app = match AppId::parse(id) {
            Some(app) => apps::find(root, app).await?,
            None => None,
        };
        let app = app.ok_or_else(|| support::not_found("app_id", id, "no app has this id"))?;
        if apps::stored_install(&mut tx, app.app_id).await?.is_some() {
            return Err(support::conflict("app_id", id));
        }
        if app.kind != AppKind::Isv {
            return Err(values::invalid(
                "app_id",
                Some(id),
                "only an ISV app can be installed in another world",
            ));
        }
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
        apps::set_install(&mut tx, app.app_id, &settings).await?;
        subscriptions::announce(root, app.app_id).await?;
        let install = support::app(&mut tx, "app_id", id).await?;
        let about = About::present(&mut tx, &install).await?;
        Ok(super::show(&tx, &install, settings, about))
    }
}
