//! A server in memory with one tenant, one app, one user, and operations that do what a test needs.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use larkspur_api::tokens::{Holder, Token};
use larkspur_api::{Call, Empty, Entry, Input, Operation, RootCall, entry};
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{AppKind, InstallStatus, UserStatus};
use larkspur_contract::{
    Access, Bot, Consumes, Effect, Fault, Reply, Route, Scope, Spec, Tokens, codes, delete, get, post, rates,
};
use larkspur_server::{App, AppOptions, Request, Response};
use larkspur_store::apps::{self, InstallSettings, Scopes};
use larkspur_store::users::{self, User};
use larkspur_store::{Clock, Engine, Memory, Root, Tx, faults, tenants};
use larkspur_store_sqlite::Sqlite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const TENANT: TenantKey = TenantKey(5);
const START: i64 = 1_700_000_000_000;

#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        START + self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Setup {
    pub(crate) app: Arc<App>,
    pub(crate) app_id: AppId,
    pub(crate) secret: String,
    clock: Arc<Hands>,
}

impl Setup {
    pub(crate) async fn new(options: AppOptions) -> Setup {
        let clock = Arc::new(Hands::default());
        let driver = Arc::new(Sqlite::memory().expect("a store"));
        let engine = Engine::open(driver, clock.clone(), 1 << 20).await.expect("opened");
        let (secret, app_id) = ("a-secret-of-the-app".to_owned(), AppId(7));
        let hash = engine.keys.hash_secret(&secret);
        engine
            .run(Effect::Writes, move |root| {
                let app = apps::App {
                    app_id,
                    developer: TENANT,
                    kind: AppKind::Custom,
                    name: "app".to_owned(),
                    secret_hash: hash.clone(),
                };
                Box::pin(async move {
                    let mut tx = root.tenant(TENANT);
                    tenants::insert(&mut tx, "tenant", START).await?;
                    apps::register(root, &app, START).await?;
                    let user = User {
                        user_id: "u1".to_owned(),
                        user_no: 3,
                        name: "user".to_owned(),
                        status: UserStatus::Active,
                        email: None,
                        mobile: None,
                    };
                    users::insert(&mut tx, &user, START).await?;
                    users::set_grant(&mut tx, app_id, &user, &Scopes::default(), false).await?;
                    tx.outcome()
                })
            })
            .await
            .expect("written");
        let options = AppOptions { control_key: "key".to_owned(), registry: OPERATIONS, ..options };
        let app = App::build(engine, options).expect("sound");
        let setup = Setup { app, app_id, secret, clock };
        setup.install(InstallStatus::Enabled, &[]).await;
        setup
    }

    pub(crate) async fn install(&self, status: InstallStatus, scopes: &[&str]) {
        let settings = InstallSettings {
            status,
            bot: true,
            external_sharing: false,
            scopes: Scopes::new(scopes.iter().copied()),
            visible_to: None,
        };
        let app_id = self.app_id;
        self.app
            .engine()
            .run(Effect::Writes, move |root| {
                let (mut tx, settings) = (root.tenant(TENANT), settings.clone());
                Box::pin(async move { apps::set_install(&mut tx, app_id, &settings).await })
            })
            .await
            .expect("written");
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Makes this the only rule of the tenant.
    pub(crate) async fn rule(&self, id: &'static str, effect: &Value) {
        let rules = serde_json::json!([{"id": id, "match": {}, "effect": effect, "since_ms": 0}]).to_string();
        let writing = self.app.engine().run(Effect::Writes, move |root| {
            let (mut tx, rules) = (root.tenant(TENANT), rules.clone());
            Box::pin(async move {
                faults::start(&mut tx, id).await?;
                faults::set(&mut tx, &rules).await
            })
        });
        writing.await.expect("written");
    }

    fn issue(&self, holder: Holder, seconds: i64) -> String {
        let expires_at = self.clock.now_ms() + seconds * 1000;
        Token { holder, tenant: TENANT, app: self.app_id, expires_at }.issue(&self.app.engine().keys)
    }

    pub(crate) fn token(&self, seconds: i64) -> String {
        self.issue(Holder::Tenant, seconds)
    }

    pub(crate) fn user_token(&self, epoch: i64) -> String {
        self.issue(Holder::User { number: 3, epoch, family: 0 }, 7200)
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        authorization: Option<&str>,
        body: &str,
    ) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut body = Bytes::copy_from_slice(body.as_bytes());
        let headers: Vec<_> = authorization.iter().map(|header| ("authorization", *header)).collect();
        let request = Request { method, path, query, headers: &headers, peer: None, body: &mut body };
        self.app.handle(request).await
    }
}

pub(crate) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(response.body.bytes()).expect("JSON")
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    name: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Asked {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    early: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    asked: Value,
}

const fn spec(id: &'static str, route: Route, access: Access) -> Spec {
    Spec {
        id,
        summary: "",
        reference: "",
        route,
        access,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[],
        deviations: &[],
    }
}

const fn token(tokens: Tokens, scopes: &'static [Scope], bot: Bot) -> Access {
    Access::Token { tokens, scopes, bot }
}

const ANY: Access = token(Tokens::TenantOrUser, &[], Bot::NotRequired);

macro_rules! operations {
    ($($name:ident: $spec:expr => $run:expr;)*) => {
        $(
            struct $name;
            impl Operation for $name {
                const SPEC: &'static Spec = &$spec;
                type Ground = Tx;
                type Path = Empty;
                type Query = Asked;
                type Body = Name;
                type Output = Output;
                async fn run(_tx: &mut Tx, _call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
                    let run: fn(&Asked, &Name) -> Result<Value, Fault> = $run;
                    run(&input.query, &input.body).map(|asked| Output { asked })
                }
                fn recall(_memory: &Memory, _call: &Call, input: &Input<Self>, _out: &mut Vec<u8>) -> bool {
                    assert!(input.query.early != Some(true), "on the way in");
                    false
                }
            }
        )*
        static OPERATIONS: &[&[Entry]] = &[&[$(entry::<$name>(),)* entry::<Control>()]];
    };
}

fn echo(query: &Asked, body: &Name) -> Result<Value, Fault> {
    let mut all = serde_json::to_value(query).expect("JSON");
    if let Some(name) = &body.name {
        all["name"] = name.as_str().into();
    }
    Ok(all)
}

operations! {
    Read: Spec { consumes: Consumes::Nothing, ..spec("test.v1.read", get("/test/read"), ANY) } => echo;
    Tenant: spec("test.v1.tenant", get("/test/tenant"), token(Tokens::Tenant, &[], Bot::NotRequired)) => echo;
    OnlyUser: spec("test.v1.user", get("/test/user"), token(Tokens::User, &[], Bot::NotRequired)) => echo;
    WithBot: spec("test.v1.bot", get("/test/bot"), token(Tokens::TenantOrUser, &[], Bot::Required)) => echo;
    Scoped: spec("test.v1.scoped", get("/test/scoped"), token(Tokens::TenantOrUser, &["a:b", "c:d"], Bot::NotRequired)) => echo;
    Limited: Spec { rate: rates::TIER_6, ..spec("test.v1.limited", get("/test/limited"), ANY) } => echo;
    Echo: spec("test.v1.echo", post("/test/echo"), ANY) => echo;
    Gone: spec("test.v1.gone", delete("/test/echo"), ANY) => echo;
    Panics: spec("test.v1.panic", get("/test/panic"), ANY) => |_, _| panic!("on purpose");
    Undocumented: spec("test.v1.undocumented", get("/test/undocumented"), ANY) => |_, _| Err(codes::CHAT_BANNED.into());
}

struct Control;

impl Operation for Control {
    const SPEC: &'static Spec = &spec("test.v1.control", get("/test/control"), Access::Control);
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;
    async fn run(_root: &mut Root, _call: &RootCall, _input: &Input<Self>) -> Result<Empty, Fault> {
        Ok(Empty {})
    }
}
