//! A tenant with an app, three users, a chat and a document.

use larkspur_api::cards;
use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, MessageId, TenantKey};
use larkspur_store::events::subscriptions::{self, Channel, Mode, Subscription};
use serde_json::{Value, json};

use crate::{Lab, Request};

/// A user, as the world's app sees it.
#[derive(Debug, Clone)]
pub struct User {
    /// `ou_…`
    pub open_id: String,
    /// `on_…`
    pub union_id: String,
    /// The tenant's own.
    pub user_id: String,
    /// Name.
    pub name: String,
}

/// A tenant with an app that is signed in, three users, a chat and a document.
///
/// User 0 owns the chat and the document; all three users and the bot are in the chat.
#[derive(Clone)]
pub struct World {
    /// Its lab.
    pub lab: Lab,
    /// The tenant.
    pub tenant_key: String,
    /// The app.
    pub app_id: String,
    /// Its secret.
    pub app_secret: String,
    /// The chat.
    pub chat_id: String,
    /// The document.
    pub document_url: String,
    /// The users.
    pub users: Vec<User>,
    /// The app's tenant token.
    pub token: String,
}

impl World {
    pub(crate) async fn enter(lab: Lab, made: &Value) -> World {
        let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{name} in {made}")).to_owned();
        let users = made["users"].as_array().expect("users").iter().map(user).collect();
        let mut world = World {
            tenant_key: text("tenant_key"),
            app_id: text("app_id"),
            app_secret: text("app_secret"),
            chat_id: text("chat_id"),
            document_url: text("document_url"),
            users,
            token: String::new(),
            lab,
        };
        world.token = world.sign_in(&world.app_id, &world.app_secret).await;
        world
    }

    /// A tenant token for an app of this world.
    pub async fn sign_in(&self, app_id: &str, app_secret: &str) -> String {
        let body = json!({"app_id": app_id, "app_secret": app_secret});
        let request = self.lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body);
        let reply = request.send().await.json();
        reply["tenant_access_token"].as_str().unwrap_or_else(|| panic!("no token: {reply}")).to_owned()
    }

    /// A call of the platform's API with the app's tenant token.
    pub fn call(&self, method: &str, path: &str) -> Request {
        self.lab.request(method, &format!("/open-apis{path}")).token(&self.token)
    }

    /// The keys of tenant and app.
    pub fn keys(&self) -> (TenantKey, AppId) {
        let tenant = TenantKey::parse(&self.tenant_key).expect("a tenant_key");
        (tenant, AppId::parse(&self.app_id).expect("an app_id"))
    }

    /// Has the app receive events and callbacks by long connection, all types of them.
    pub async fn receive_by_connection(&self) {
        let (tenant, app_id) = self.keys();
        let subscribing = self.lab.app.engine().run(Effect::Writes, move |root| {
            Box::pin(async move {
                let channel = || Channel { mode: Mode::Connection, ..Channel::webhook(String::new()) };
                let subscription = Subscription {
                    events: channel(),
                    callbacks: channel(),
                    encrypt_key: Some("a key".to_owned()),
                    verification_token: None,
                    ticket_at: None,
                };
                subscriptions::set(&mut root.tenant(tenant), app_id, &subscription).await?;
                subscriptions::announce(root, app_id).await
            })
        });
        subscribing.await.expect("a transaction");
    }

    /// A call of the control API on this world.
    pub fn control(&self, method: &str, path: &str) -> Request {
        self.lab.control(method, &format!("/worlds/{}{path}", self.tenant_key))
    }

    /// Moves the world's clock forward.
    pub async fn advance(&self, seconds: i64) {
        self.control("PUT", "/clock").body(json!({"advance_seconds": seconds})).send().await.data();
    }

    /// A user token for the world's app; `body` adds to the request.
    pub async fn user_token(&self, user: usize, body: Value) -> String {
        let mut asked = json!({"app_id": self.app_id});
        let more = body.as_object().expect("an object");
        asked.as_object_mut().expect("an object").extend(more.clone());
        let path = format!("/users/{}/tokens", self.users[user].user_id);
        let data = self.control("POST", &path).body(asked).send().await.data();
        data["access_token"].as_str().expect("an access_token").to_owned()
    }

    /// Another app of this world: its id and its tenant token. `body` has its properties; it is subscribed to nothing
    /// unless this says so.
    pub async fn app(&self, mut body: Value) -> (String, String) {
        let members = body.as_object_mut().expect("an object");
        members.entry("events").or_insert_with(|| json!({"request_url": ""}));
        let made = self.control("POST", "/apps").body(body).send().await.data();
        let app_id = made["app_id"].as_str().expect("an app_id").to_owned();
        let token = self.sign_in(&app_id, made["app_secret"].as_str().expect("an app_secret")).await;
        (app_id, token)
    }

    /// The token of a click on the card of a message, whose callback was acknowledged.
    pub async fn card_token(&self, message_id: &str) -> String {
        let (tenant, app_id) = self.keys();
        let engine = self.lab.app.engine();
        let (number, _) = engine.keys.read_message_id(MessageId::parse(message_id).expect("a message_id"));
        let issuing = engine.run(Effect::Writes, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move {
                let now = tx.engine().clock.now_ms();
                let token = cards::new_token(&tx);
                cards::issue_token(&mut tx, &token, app_id, number, now).await?;
                Ok(token)
            })
        });
        issuing.await.expect("a transaction")
    }

    /// A chat in any state; returns its id.
    pub async fn chat(&self, body: Value) -> String {
        let made = self.control("POST", "/chats").body(body).send().await.data();
        made["chat_id"].as_str().expect("a chat_id").to_owned()
    }

    /// Changes an installation: `status`, `bot`, `external_sharing`, `scopes`, `visible_to`.
    pub async fn set_app(&self, app_id: &str, body: Value) {
        self.control("PUT", &format!("/apps/{app_id}")).body(body).send().await.data();
    }

    /// A new tag; returns its id.
    pub async fn tag(&self, name: &str) -> String {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
        let data = self.call("POST", "/im/v2/tags").body(body).send().await.data();
        data["id"].as_str().unwrap_or_else(|| panic!("no id: {data}")).to_owned()
    }

    /// Uploads a file as the world's app; its key.
    pub async fn file(&self, file_type: &str, name: &str, content: &[u8]) -> String {
        let fields = [("file_type", file_type), ("file_name", name)];
        let data =
            self.call("POST", "/im/v1/files").multipart(&fields, ("file", content)).send().await.data();
        data["file_key"].as_str().unwrap_or_else(|| panic!("no file_key: {data}")).to_owned()
    }

    /// Adds tabs to the world's chat.
    pub fn add_tabs(&self, tabs: &Value) -> Request {
        self.call("POST", &format!("/im/v1/chats/{}/chat_tabs", self.chat_id))
            .body(json!({"chat_tabs": tabs}))
    }
}

fn user(made: &Value) -> User {
    let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{name} in {made}")).to_owned();
    User {
        open_id: text("open_id"),
        union_id: text("union_id"),
        user_id: text("user_id"),
        name: text("name"),
    }
}
