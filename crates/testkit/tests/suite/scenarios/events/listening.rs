//! Three apps that subscribed to everything: one that acts, one in the same chat, and one that is in no chat.

use std::cell::Cell;
use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_server::delivery::DeliveryWorker;
use larkspur_testkit::receiver::Receiver;
use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

use crate::scenarios::text;

/// What an app was told since it was last asked: type and event, by type.
pub(crate) type Heard = Vec<(String, Value)>;

/// An app with an address that is verified.
pub(crate) struct Ear {
    pub(crate) app_id: String,
    pub(crate) token: String,
    receiver: Receiver,
    seen: Cell<usize>,
}

impl Ear {
    /// Subscribes an app that was made in a world, and has its address verified.
    pub(crate) async fn of(maker: &World, app_id: &str, token: &str) -> Ear {
        let receiver = Receiver::start();
        let body = json!({"request_url": receiver.url()});
        maker.control("PUT", &format!("/apps/{app_id}/events")).body(body).send().await.data();
        assert_eq!(maker.lab.delivery_worker().round().await, 1, "the challenge");
        Ear { app_id: app_id.to_owned(), token: token.to_owned(), receiver, seen: Cell::new(1) }
    }

    /// What came since the last time. The keys of each event are in alphabetical order on the wire.
    pub(crate) fn heard(&self) -> Heard {
        let all = self.receiver.seen();
        let new = &all[self.seen.replace(all.len())..];
        let mut heard: Heard = new
            .iter()
            .map(|seen| {
                let json = seen.json();
                let header = if json["schema"] == "2.0" { &json["header"] } else { &json["event"] };
                assert_eq!(header["app_id"], self.app_id.as_str());
                let end = format!("\"event\":{}}}", json["event"]);
                assert!(seen.raw.ends_with(&end), "{} does not end with {end}", seen.raw);
                let kind = if json["schema"] == "2.0" { "event_type" } else { "type" };
                (text(header, kind), json["event"].clone())
            })
            .collect();
        heard.sort_by(|one, other| one.0.cmp(&other.0));
        heard
    }
}

/// A world in whose chat two of three listening apps are.
pub(crate) struct Stage {
    pub(crate) world: World,
    /// The world's own app, with every scope, which makes the calls.
    pub(crate) actor: Ear,
    /// An app in the chat, which is told no user_ids.
    pub(crate) inside: Ear,
    /// An app that is in no chat.
    pub(crate) outside: Ear,
    worker: Arc<DeliveryWorker>,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        Stage::within(Lab::start().await).await
    }

    pub(crate) async fn within(lab: Lab) -> Stage {
        let world = lab.world().await;
        let actor = Ear::of(&world, &world.app_id, &world.token).await;
        let mut others = Vec::new();
        for name in ["inside", "outside"] {
            let (app_id, token) = world.app(json!({"name": name, "scopes": ["im:chat"]})).await;
            others.push(Ear::of(&world, &app_id, &token).await);
        }
        let outside = others.remove(1);
        let stage = Stage { actor, inside: others.remove(0), outside, worker: lab.delivery_worker(), world };
        let member = stage.in_chat(&stage.inside.app_id);
        stage.world.control("PUT", &member).body(json!({})).send().await.data();
        let chat = format!("/chats/{}", stage.world.chat_id);
        let named = json!({"name": "Square", "description": "a square", "i18n_names": {"zh_cn": "广场", "en_us": "The square"}});
        stage.world.control("PATCH", &chat).body(named).send().await.data();
        assert_eq!(stage.told().await, [vec![], vec![], vec![]], "building state is silent");
        stage
    }

    /// The path of a member of the chat, in the control API.
    pub(crate) fn in_chat(&self, member: &str) -> String {
        format!("/chats/{}/members/{member}", self.world.chat_id)
    }

    /// The path of the chat, in the platform's API.
    pub(crate) fn chat(&self) -> String {
        format!("/im/v1/chats/{}", self.world.chat_id)
    }

    /// What the three apps were told since the last time: the one that acts, the one in the chat, the one outside.
    pub(crate) async fn told(&self) -> [Heard; 3] {
        while self.worker.round().await > 0 {}
        [self.actor.heard(), self.inside.heard(), self.outside.heard()]
    }

    /// A user, as an app is told of it.
    pub(crate) async fn user(&self, to: &Ear, user: usize) -> Value {
        let user_id = &self.world.users[user].user_id;
        let shown = self.world.control("GET", &format!("/users/{user_id}")).send().await.data();
        let mut apps = shown["apps"].as_array().expect("apps").iter();
        let seen = apps.find(|app| app["app_id"] == to.app_id.as_str()).expect("the app");
        let known = if to.app_id == self.actor.app_id { json!(user_id) } else { Value::Null };
        json!({"open_id": seen["open_id"], "union_id": self.world.users[user].union_id, "user_id": known})
    }

    /// A bot, as an app of the world is told of it.
    pub(crate) fn bot(&self, to: &Ear, bot: &Ear) -> Value {
        let app = |id: &str| AppId::parse(id).expect("an app");
        let keys = &self.world.lab.app.engine().keys;
        let tenant = TenantKey::parse(&self.world.tenant_key).expect("a tenant");
        let number = app(&bot.app_id).0;
        let open_id = keys.open_id(number, app(&to.app_id)).to_string();
        json!({"open_id": open_id, "union_id": keys.union_id(number, tenant).to_string(), "user_id": null})
    }

    /// What the events of the chat say, by this operator.
    pub(crate) fn of_chat(&self, operator: &Value) -> Value {
        json!({
            "chat_id": self.world.chat_id, "external": false, "name": "Square",
            "i18n_names": {"en_us": "The square", "zh_cn": "广场"},
            "operator_id": operator, "operator_tenant_key": self.world.tenant_key,
        })
    }

    /// As [`Stage::of_chat`], of users who joined or left.
    pub(crate) async fn of_users(&self, to: &Ear, operator: &Value, users: &[usize]) -> Value {
        let mut told = self.of_chat(operator);
        let mut list = Vec::new();
        for user in users {
            let (name, id) = (&self.world.users[*user].name, self.user(to, *user).await);
            list.push(json!({"name": name, "tenant_key": self.world.tenant_key, "user_id": id}));
        }
        told["users"] = json!(list);
        told
    }
}

/// One event of a type.
pub(crate) fn one(kind: &str, event: Value) -> Heard {
    vec![(kind.to_owned(), event)]
}
