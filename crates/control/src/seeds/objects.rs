//! Users, apps, tags and documents of a seed.

use std::collections::BTreeMap;

use larkspur_api::rules;
use larkspur_contract::ids::{AppId, TagId};
use larkspur_contract::model::{SubscriptionMode, TagI18nName, TagType};
use larkspur_contract::{Fault, codes};
use larkspur_store::tags::{self, Naming, Tag};
use larkspur_store::{apps, documents, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loader::{Draft, Loader, joined};
use super::node::{Kind, Member, Node};
use super::variable;
use crate::operations::app::{create as create_app, events::put as put_events, update as update_app};
use crate::operations::document::{collaborator_put, create as create_document};
use crate::operations::user::{create as create_user, update as update_user};
use crate::support;

/// Members of an app that the operations do not take under this name.
const OF_APPS: [&str; 3] = ["secret", "events", "callbacks"];

/// How an app of a seed receives events.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Events {
    /// `webhook` or `websocket`.
    way: SubscriptionMode,
    /// The URL of a webhook. It gets no challenge, and counts as verified.
    url: Option<String>,
    /// The types of events; all by default.
    types: Option<Vec<String>>,
    /// `from-env NAME`: the key to encrypt and sign with on webhooks.
    encrypt_key: Option<String>,
    /// `from-env NAME`: the token by which the app recognizes events.
    verification_token: Option<String>,
}

/// How an app of a seed receives callbacks.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Callbacks {
    /// `webhook` or `websocket`.
    way: SubscriptionMode,
    /// The URL of a webhook.
    url: Option<String>,
    /// The types of callbacks; all by default.
    types: Option<Vec<String>>,
}

/// A tag of a seed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TagDraft {
    /// Its name; by default the name in the seed.
    #[schemars(length(min = 1, max = rules::tags::NAME_MAX))]
    name: Option<String>,
    /// Its names by language.
    i18n: Option<BTreeMap<String, String>>,
    /// The app that made it; by default the first one of the seed.
    app: Option<String>,
}

/// What a document of a seed is shared with.
const OF_DOCUMENTS: [&str; 2] = ["owner", "share"];

impl Loader<'_> {
    /// A user: its name in the seed is its user_id.
    pub(super) async fn user(&mut self, member: &Member) -> Result<(), Fault> {
        let name = member.name.as_str();
        let mut draft = Draft::of(joined("users", name), member, &[]);
        let there = users::by_id(&mut self.tx(), name).await?.is_some();
        let done = if there {
            let path = json!({"tenant_key": self.key, "user_id": name});
            self.run::<update_user::Update>(path, &draft).await?.is_some()
        } else {
            draft.set("user_id", name);
            self.run::<create_user::Create>(json!({"tenant_key": self.key}), &draft).await?.is_some()
        };
        if done {
            self.define("users", name, name);
            *(if there { &mut self.report.merged.users } else { &mut self.report.loaded.users }) += 1;
        }
        Ok(())
    }

    /// An app, found by its `name`.
    pub(super) async fn app(&mut self, member: &Member) -> Result<(), Fault> {
        let path = joined("apps", &member.name);
        let mut draft = Draft::of(path.clone(), member, &OF_APPS);
        draft.or("name", &member.name);
        let seen = format!("{path}.visible_to");
        if let Some(node) = member.value.get("visible_to") {
            let ids = self.all_named(&seen, Some(node), &["users"]).await?;
            draft.set("visible_to", ids);
        }
        let (secret, own) = match member.value.get("secret") {
            None => (None, false),
            Some(node) => (self.secret(&format!("{path}.secret"), node), true),
        };
        let made = apps::made_by(self.root, self.tenant).await?;
        let same = made.iter().filter(|app| Some(app.name.as_str()) == draft.body["name"].as_str());
        let same: Vec<AppId> = same.map(|app| app.app_id).collect();
        let id = match same.as_slice() {
            [] => self.new_app(&draft, &member.name, own).await?,
            [one] => self.old_app(draft, *one).await?,
            _ => {
                self.wrong(member.place, &path, "several apps of the world have this name; rename one");
                None
            }
        };
        let Some(id) = id else { return Ok(()) };
        if let Some(secret) = secret {
            let hash = self.call.engine.keys.hash_secret(&secret);
            apps::set_secret(self.root, id, &hash).await?;
        }
        self.channels(&path, member, id).await?;
        self.define("apps", &member.name, &id.to_string());
        let counts = if same.is_empty() { &mut self.report.loaded } else { &mut self.report.merged };
        counts.apps += 1;
        Ok(())
    }

    async fn new_app(&mut self, draft: &Draft<'_>, name: &str, own: bool) -> Result<Option<AppId>, Fault> {
        let path = json!({"tenant_key": self.key});
        let Some(made) = self.run::<create_app::Create>(path, draft).await? else { return Ok(None) };
        let (id, secret) = made.credentials();
        if !own {
            self.report.app_secrets.insert(name.to_owned(), secret.to_owned());
        }
        Ok(AppId::parse(id))
    }

    async fn old_app(&mut self, mut draft: Draft<'_>, id: AppId) -> Result<Option<AppId>, Fault> {
        draft.body.remove("name");
        draft.body.remove("kind");
        let path = json!({"tenant_key": self.key, "app_id": id.to_string()});
        let done = self.run::<update_app::Update>(path, &draft).await?;
        Ok(done.map(|_| id))
    }

    /// How an app receives events and callbacks, if the seed says so.
    async fn channels(&mut self, path: &str, member: &Member, id: AppId) -> Result<(), Fault> {
        let (events, callbacks) = (member.value.get("events"), member.value.get("callbacks"));
        if events.is_none() && callbacks.is_none() {
            return Ok(());
        }
        let mut body = json!({"mode": SubscriptionMode::Websocket});
        if let Some(node) = events {
            let at = format!("{path}.events");
            let Some(read) = self.part_as::<Events>(&at, node) else { return Ok(()) };
            body = json!({"mode": read.way, "request_url": read.url, "types": read.types});
            for name in ["encrypt_key", "verification_token"] {
                if let Some(node) = node.get(name) {
                    body[name] = self.secret(&format!("{at}.{name}"), node).into();
                }
            }
        }
        if let Some(node) = callbacks {
            let Some(read) = self.part_as::<Callbacks>(&format!("{path}.callbacks"), node) else {
                return Ok(());
            };
            body["callbacks"] = json!({"mode": read.way, "request_url": read.url, "types": read.types});
        }
        let mut draft = Draft::of(path.to_owned(), member, &[]);
        draft.body = body.as_object().cloned().unwrap_or_default();
        let path = json!({"tenant_key": self.key, "app_id": id.to_string()});
        self.run::<put_events::Put>(path, &draft).await.map(drop)
    }

    /// A part of an object, as a type.
    pub(super) fn part_as<T: JsonSchema + serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        node: &Node,
    ) -> Option<T> {
        if !matches!(node.kind, Kind::Map(_)) {
            self.wrong(node.place, path, format!("an object is wanted, not {}", node.shown()));
            return None;
        }
        let body = node.json().as_object().cloned().unwrap_or_default();
        self.typed(&Draft { path: path.to_owned(), place: node.place, node, body, renamed: &[] })
    }

    /// The secret that a value names.
    fn secret(&mut self, path: &str, node: &Node) -> Option<String> {
        let text = self.text(path, node)?;
        let Some(name) = variable(text) else {
            self.wrong(node.place, path, "write from-env NAME: a seed has no secrets in it");
            return None;
        };
        let known = self.given.secrets.get(name).filter(|secret| !secret.is_empty());
        if known.is_none() {
            self.wrong(node.place, path, format!("there is no value for {name}: set the variable"));
        }
        known.cloned()
    }

    /// A tag, found by its `name`.
    pub(super) async fn tag(&mut self, member: &Member) -> Result<(), Fault> {
        let path = joined("tags", &member.name);
        let Some(read) = self.part_as::<TagDraft>(&path, &member.value) else { return Ok(()) };
        let app = match member.value.get("app") {
            Some(node) => self.named(&format!("{path}.app"), node, &["apps"]).await?,
            None => self.first_app().await?,
        };
        let Some(app_id) = app.as_deref().and_then(AppId::parse) else {
            if member.value.get("app").is_none() {
                self.wrong(member.place, &path, "an app makes a tag, and the world has none; add one");
            }
            return Ok(());
        };
        let names = read.i18n.unwrap_or_default().into_iter();
        let i18n_names: Vec<TagI18nName> =
            names.map(|(locale, name)| TagI18nName { locale, name: Some(name) }).collect();
        let draft = Draft::of(path, member, &[]);
        if let Err(refused) = rules::tags::distinct_locales(&i18n_names, "i18n") {
            return self.refuse(&draft, refused);
        }
        let mut tx = self.tx();
        let now = self.now().await?;
        let tag = Tag {
            tag_id: TagId(tx.next_id()),
            tag_type: TagType::Tenant,
            name: read.name.unwrap_or_else(|| member.name.clone()),
            i18n_names,
            app_id,
            create_time: now,
            update_time: now,
        };
        let id = match tags::insert(&mut tx, &tag).await? {
            Naming::Done => {
                self.report.loaded.tags += 1;
                tag.tag_id
            }
            Naming::Taken(other) => {
                self.old_tag(other, tag.i18n_names, now).await?;
                other
            }
        };
        self.define("tags", &member.name, &id.to_string());
        Ok(())
    }

    async fn old_tag(&mut self, id: TagId, names: Vec<TagI18nName>, now: i64) -> Result<(), Fault> {
        self.report.merged.tags += 1;
        let mut tx = self.tx();
        let old = tags::lock(&mut tx, id).await?;
        let old = old.ok_or_else(|| Fault::new(codes::INTERNAL, "a tag is gone that has its name"))?;
        if !names.is_empty() && old.i18n_names != names {
            tags::update(&mut tx, &Tag { i18n_names: names, update_time: now, ..old }).await?;
        }
        Ok(())
    }

    /// The first app of the seed that was loaded, else the first one of the world.
    async fn first_app(&mut self) -> Result<Option<String>, Fault> {
        if let Some(id) = self.report.ids.apps.values().next() {
            return Ok(Some(id.clone()));
        }
        let made = apps::made_by(self.root, self.tenant).await?;
        Ok(made.first().map(|app| app.app_id.to_string()))
    }

    /// A document: its name in the seed is its token.
    pub(super) async fn document(&mut self, member: &Member) -> Result<(), Fault> {
        let (name, path) = (member.name.as_str(), joined("documents", &member.name));
        let mut draft = Draft::of(path.clone(), member, &OF_DOCUMENTS);
        draft.set("token", name);
        draft.or("title", name);
        if let Some(node) = member.value.get("owner") {
            let Some(owner) = self.named(&format!("{path}.owner"), node, &["users", "apps"]).await? else {
                return Ok(());
            };
            draft.set("owner", owner);
        }
        if documents::get(&mut self.tx(), name).await?.is_some() {
            self.report.merged.documents += 1;
        } else {
            let path = json!({"tenant_key": self.key});
            if self.run::<create_document::Create>(path, &draft).await?.is_none() {
                return Ok(());
            }
            self.report.loaded.documents += 1;
        }
        self.define("documents", name, name);
        Ok(())
    }

    /// The permissions on a document.
    pub(super) async fn shares(&mut self, member: &Member) -> Result<(), Fault> {
        if !self.report.ids.documents.contains_key(&member.name) {
            return Ok(());
        }
        let path = format!("documents.{}.share", member.name);
        for share in self.part(&path, member.value.get("share")) {
            let at = joined(&path, &share.name);
            let named = Node { place: share.place, kind: Kind::Text(share.name.clone()) };
            let Some(id) = self.named(&at, &named, &["users", "apps", "chats"]).await? else { continue };
            let mut draft = Draft::of(at, share, &[]);
            draft.set("member", id);
            draft.set("perm", share.value.json());
            let empty = Node { place: share.value.place, kind: Kind::Map(Vec::new()) };
            (draft.node, draft.place) = (&empty, share.value.place);
            let path = json!({"tenant_key": self.key, "token": member.name});
            self.run::<collaborator_put::Put>(path, &draft).await?;
        }
        Ok(())
    }

    /// The world's time, in milliseconds since 1970.
    pub(super) async fn now(&mut self) -> Result<i64, Fault> {
        let (_, now) = support::open(self.root, self.call, self.key).await?;
        Ok(now)
    }

    /// The URL of a document of the seed.
    pub(super) async fn url(&mut self, token: &str) -> Result<Value, Fault> {
        let found = documents::get(&mut self.tx(), token).await?;
        Ok(found.map_or(Value::Null, |found| rules::documents::url(found.doc_type, &found.token).into()))
    }
}
