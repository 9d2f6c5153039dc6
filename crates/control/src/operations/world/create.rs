use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::{Root, StoreError, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::demo::{self, DemoUser};
use crate::operations::CONTROL;
use crate::operations::app::events::setting::Setting;
use crate::{support, values};

/// `POST /larkspur/v1/worlds`
pub(crate) struct Create;

/// The world to create.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// A name, for people.
    #[schemars(extend("default" = "world"))]
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// Its initial content; `demo` by default.
    #[schemars(extend("default" = "demo"))]
    template: Option<Template>,
    /// How the demo's app receives events and callbacks. By default it is subscribed to everything by long connection.
    events: Option<Setting>,
}

/// The initial content of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Template {
    /// An app with a bot, three users, a chat and a document.
    Demo,
    /// Nothing.
    Empty,
}

/// The new world. An empty one has only its `tenant_key`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its tenant.
    tenant_key: String,
    /// A custom app with every scope and a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    /// The app's secret, which is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_secret: Option<String>,
    /// A group of the three users and the bot, owned by the first user.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<String>,
    /// A document of the first user that the bot can edit and share.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_url: Option<String>,
    /// Three users, as seen by the app.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<DemoUser>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.create",
        summary: "Create a world",
        route: post("/larkspur/v1/worlds"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID],
        emits: &[&events::URL_VERIFICATION],
        example: r#"{"name":"a test"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let name = input.body.name.as_deref().unwrap_or("world");
        if input.body.template == Some(Template::Empty) {
            if input.body.events.is_some() {
                return Err(values::invalid("events", None, "an empty world has no app"));
            }
            let tenant = support::fresh_tenant(root);
            if !tenants::insert(&mut root.tenant(tenant), name, call.now).await? {
                return Err(StoreError::Collided.into());
            }
            return Ok(Output {
                tenant_key: tenant.to_string(),
                app_id: None,
                app_secret: None,
                chat_id: None,
                document_url: None,
                users: Vec::new(),
            });
        }
        let made = demo::build(root, call.now, name).await?;
        if let Some(setting) = &input.body.events {
            let mut tx = root.tenant(support::tenant_key(&made.tenant_key)?);
            let install = support::app(&mut tx, "app_id", &made.app_id).await?;
            setting.write(root, &mut tx, (call, call.now), &install).await?;
        }
        Ok(Output {
            tenant_key: made.tenant_key,
            app_id: Some(made.app_id),
            app_secret: Some(made.app_secret),
            chat_id: Some(made.chat_id),
            document_url: Some(made.document_url),
            users: made.users,
        })
    }
}
