use std::collections::BTreeMap;

use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::{Root, StoreError, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::demo::{self, DemoUser};
use crate::operations::CONTROL;
use crate::operations::app::events::setting::Setting;
use crate::seeds::{self, Given, Report};
use crate::snapshots::{Source, clone_world, keep_start};
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
    /// The world to make it of, in place of a template: a clone has the same content with new IDs.
    from: Option<Source>,
    /// How the demo's app receives events and callbacks. By default it is subscribed to everything by long connection.
    events: Option<Setting>,
    /// A seed with the content, instead of a template: YAML or JSON as text, whose mistakes are reported with line and column,
    /// or an object.
    seed: Option<Value>,
    /// The values of the names after `from-env` in the seed.
    secrets: Option<BTreeMap<String, String>>,
    /// Cards that messages of the seed name by a file, by the name of the file.
    files: Option<BTreeMap<String, Value>>,
    /// Whether the seed is only checked, and no world is made; false by default.
    #[schemars(extend("default" = false))]
    dry_run: Option<bool>,
}

impl Body {
    fn given(&self) -> Option<Given> {
        let seed = self.seed.clone()?;
        let (secrets, files) = (self.secrets.clone(), self.files.clone());
        let dry_run = self.dry_run;
        Some(Given { seed, secrets: secrets.unwrap_or_default(), files: files.unwrap_or_default(), dry_run })
    }
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

/// The new world. An empty one has only its `tenant_key`, a clone its `ids` in addition, and one of a seed what the seed made.
#[derive(Default, Serialize, JsonSchema)]
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
    /// Of a clone: the IDs of the world that it was made of, each with the new one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ids: BTreeMap<String, String>,
    /// What the seed made.
    #[serde(skip_serializing_if = "Option::is_none")]
    seeded: Option<Report>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.create",
        summary: "Create a world",
        route: post("/larkspur/v1/worlds"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::URL_VERIFICATION],
        example: r#"{"name":"a test"}"#,
        behaviours: &[CLONES, super::seed::SILENT],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        if let Some(given) = input.body.given() {
            return seeded(root, call, &input.body, &given).await;
        }
        if input.body.dry_run == Some(true) {
            return Err(values::invalid("dry_run", None, "only with a seed"));
        }
        let name = input.body.name.as_deref().unwrap_or("world");
        if let Some(source) = &input.body.from {
            if input.body.events.is_some() || input.body.template.is_some() {
                return Err(values::invalid("from", None, "a clone has no template, and its apps' events"));
            }
            let (tenant, made) = clone_world(root, (call, &input.asking), source, name).await?;
            return Ok(Output { tenant_key: tenant.to_string(), ids: made.ids, ..Output::default() });
        }
        if input.body.template == Some(Template::Empty) {
            if input.body.events.is_some() {
                return Err(values::invalid("events", None, "an empty world has no app"));
            }
            let tenant = make(root, call, name).await?;
            keep_start(&mut root.tenant(tenant), call.now).await?;
            return Ok(Output { tenant_key: tenant.to_string(), ..Output::default() });
        }
        let made = demo::build(root, call.now, name).await?;
        let tenant = support::tenant_key(&made.tenant_key)?;
        if let Some(setting) = &input.body.events {
            let mut tx = root.tenant(tenant);
            let install = support::app(&mut tx, "app_id", &made.app_id).await?;
            setting.write(root, &mut tx, (call, call.now), &install).await?;
        }
        keep_start(&mut root.tenant(tenant), call.now).await?;
        Ok(Output {
            tenant_key: made.tenant_key,
            app_id: Some(made.app_id),
            app_secret: Some(made.app_secret),
            chat_id: Some(made.chat_id),
            document_url: Some(made.document_url),
            users: made.users,
            ids: BTreeMap::new(),
            seeded: None,
        })
    }
}

/// What a clone is.
const CLONES: Behaviour = Behaviour {
    name: "world_clones",
    rule: "A clone has new IDs everywhere, except inside of longer texts: there IDs stay as they are. Its apps have the secrets of the source's. It has no events, tokens, codes and answers to repeated calls of the source. Apps of other worlds that are installed in the source are installed in the clone.",
    basis: Basis::Assumed,
    switch: false,
};

/// A world without content.
async fn make(root: &mut Root, call: &RootCall, name: &str) -> Result<TenantKey, Fault> {
    let tenant = support::fresh_tenant(root);
    if tenants::insert(&mut root.tenant(tenant), name, call.now).await? {
        Ok(tenant)
    } else {
        Err(StoreError::Collided.into())
    }
}

/// A world with the content of a seed.
async fn seeded(root: &mut Root, call: &RootCall, body: &Body, given: &Given) -> Result<Output, Fault> {
    if body.template.is_some() {
        return Err(values::invalid("template", None, "either a template or a seed"));
    }
    if body.events.is_some() {
        return Err(values::invalid("events", None, "the seed says how its apps receive events"));
    }
    let name = match &body.name {
        Some(name) => name.clone(),
        None => given.name()?,
    };
    let tenant = make(root, call, &name).await?;
    let key = tenant.to_string();
    let report = seeds::load(root, call, (&key, true), given).await?;
    keep_start(&mut root.tenant(tenant), call.now).await?;
    Ok(Output { tenant_key: key, seeded: Some(report), ..Output::default() })
}
