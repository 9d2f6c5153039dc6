use larkspur_api::events::bot_menu;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/apps/:app_id/menu_clicks`
pub(crate) struct Click;

/// The user and the menu item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who clicks.
    r#as: String,
    /// The key of the menu item.
    #[schemars(length(min = 1, max = 30))]
    event_key: String,
}

impl Operation for Click {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.menu_click",
        summary: "Click an item of a bot's menu that pushes an event, as a user's client would",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/menu_clicks"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::BOT_MENU],
        example: r#"{"as":"{user_id}","event_key":"help_page"}"#,
        behaviours: &[ANY_KEY],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let user = support::actor(&mut tx, &body.r#as).await?;
        let bot = support::bot_for(&mut tx, &input.path.app_id, &user).await?;
        bot_menu::emit(&mut tx, bot, &body.event_key, &user, now).await?;
        Ok(Empty {})
    }
}

const ANY_KEY: Behaviour = Behaviour {
    name: "bot_menu_click",
    rule: "The menu of a bot is not configured: every key of 1 to 30 characters is accepted. Only custom apps receive the event, whatever scopes they have; operator_name requires application:application.bot.operator_name:readonly.",
    basis: Assumed,
    switch: false,
};
