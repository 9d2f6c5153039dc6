//! The order in which a seed is loaded; its world, settings and faults.

use larkspur_api::rules::times;
use larkspur_contract::Fault;
use larkspur_store::{faults, tenants};
use serde_json::{Value, json};

use super::loader::{Draft, Loader, joined};
use super::node::{Kind, Member, Node};
use crate::faults::{Given, Rule};
use crate::operations::fault;
use crate::operations::world::{clock, settings};
use crate::support;

/// The parts of a seed.
pub(super) const PARTS: [&str; 8] =
    ["larkspur", "world", "apps", "users", "tags", "documents", "chats", "faults"];
const OF_WORLD: [&str; 3] = ["name", "clock", "settings"];
/// Settings whose values are words.
const WORDS: [&str; 3] = ["rate_limits", "permissions", "user_picker"];

impl Loader<'_> {
    /// Loads a seed. What depends on nothing comes first; settings come after everything that they could refuse, but for
    /// messages and rules.
    pub(super) async fn seed(&mut self, node: &Node, fresh: bool) -> Result<(), Fault> {
        let parts = self.part("", Some(node));
        self.known("", parts, &PARTS);
        if node.get("larkspur").map(Node::json) != Some(json!(1)) {
            let place = node.get("larkspur").and_then(|version| version.place).or(node.place);
            self.wrong(place, "larkspur", "a seed begins with larkspur: 1");
        }
        let world = self.part("world", node.get("world"));
        self.known("world", world, &OF_WORLD);
        let of = |part: &str| node.get(part);
        let [apps, users, tags, documents, chats] = [
            self.part("apps", of("apps")),
            self.part("users", of("users")),
            self.part("tags", of("tags")),
            self.part("documents", of("documents")),
            self.part("chats", of("chats")),
        ];
        let kinds =
            [("apps", apps), ("users", users), ("tags", tags), ("documents", documents), ("chats", chats)];
        for (kind, members) in kinds {
            self.declare(kind, members);
        }
        if let Some(member) = world.iter().find(|member| member.name == "clock") {
            self.clock(member, fresh).await?;
        }
        for member in users {
            self.user(member).await?;
        }
        for member in apps {
            self.app(member).await?;
        }
        for member in tags {
            self.tag(member).await?;
        }
        for member in documents {
            self.document(member).await?;
        }
        let mut new = Vec::new();
        for member in chats {
            new.push((member, self.chat(member).await?));
        }
        for member in documents {
            self.shares(member).await?;
        }
        if let Some(member) = world.iter().find(|member| member.name == "settings") {
            self.settings(member).await?;
        }
        for (member, id) in new {
            self.messages(member, id.as_deref()).await?;
        }
        self.faults(node.get("faults")).await
    }

    /// The clock of a new world.
    async fn clock(&mut self, member: &Member, fresh: bool) -> Result<(), Fault> {
        let node = &member.value;
        let now = match &node.kind {
            Kind::Text(text) => times::milliseconds(text),
            Kind::Number(number) => number.as_i64(),
            _ => None,
        };
        let Some(now) = now else {
            let why = "a time is wanted, such as \"2026-03-01T09:00:00+08:00\", or milliseconds since 1970";
            self.wrong(node.place, "world.clock", why);
            return Ok(());
        };
        if !fresh {
            return Ok(());
        }
        let empty = Node { place: node.place, kind: Kind::Map(Vec::new()) };
        let body = json!({"now_ms": now}).as_object().cloned().unwrap_or_default();
        let path = "world.clock".to_owned();
        let draft = Draft { path, place: node.place, node: &empty, body, renamed: &[] };
        self.run::<clock::SetClock>(json!({"tenant_key": self.key}), &draft).await.map(drop)
    }

    async fn settings(&mut self, member: &Member) -> Result<(), Fault> {
        let mut draft = Draft::of("world.settings".to_owned(), member, &[]);
        words(&member.value, &mut draft.body);
        if let (Some(node), Some(Value::Object(behaviours))) =
            (member.value.get("behaviours"), draft.body.get_mut("behaviours"))
        {
            words(node, behaviours);
        }
        self.run::<settings::put::Put>(json!({"tenant_key": self.key}), &draft).await.map(drop)
    }

    /// The rules of a seed come before others. One with the name of a rule that is there replaces it, unless it is the same.
    async fn faults(&mut self, node: Option<&Node>) -> Result<(), Fault> {
        let elements = self.list("faults", node);
        if elements.is_empty() {
            return Ok(());
        }
        let mut tx = self.tx();
        let world = tenants::lock(&mut tx).await?.ok_or_else(|| support::no_world(self.key))?;
        let now = self.call.now + world.clock_offset_ms;
        let mut old = fault::rules(&world);
        let mut rules: Vec<Rule> = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let path = format!("faults[{index}]");
            let Some(given) = self.rule(&path, element).await? else { continue };
            let taken: Vec<Rule> = rules.iter().chain(&old).cloned().collect();
            let rule = match fault::made("", &given, &taken, now) {
                Ok(rule) => rule,
                Err(refused) => {
                    self.refuse(&of_element(path, element), refused)?;
                    continue;
                }
            };
            let same = old.iter().position(|known| known.name == rule.name);
            let known = same.map(|place| old.remove(place));
            let kept = known.as_ref().filter(|known| is_same(known, &rule));
            if let (Some(known), None) = (&known, kept) {
                faults::stop(&mut tx, &known.id).await?;
            }
            if kept.is_some() {
                self.report.merged.faults += 1;
            } else {
                faults::start(&mut tx, &rule.id).await?;
                self.report.loaded.faults += 1;
            }
            rules.push(kept.cloned().unwrap_or(rule));
        }
        rules.extend(old);
        match fault::store(&mut tx, &rules).await {
            Ok(_) => Ok(()),
            Err(refused) => self.refuse(&of_element("faults".to_owned(), &elements[0]), refused),
        }
    }

    /// A rule with ids in place of the names of apps.
    async fn rule(&mut self, path: &str, element: &Node) -> Result<Option<Given>, Fault> {
        let Some(mut given) = self.part_as::<Given>(path, element) else { return Ok(None) };
        if given.name.is_none() && given.preset.is_none() {
            self.wrong(element.place, path, "a name is wanted, by which the rule is found again");
            return Ok(None);
        }
        if let (Some(node), Some(Value::Object(conditions))) =
            (element.get("match").and_then(|conditions| conditions.get("app_id")), &mut given.r#match)
        {
            let at = joined(path, "match.app_id");
            let ids = match &node.kind {
                Kind::List(_) => json!(self.all_named(&at, Some(node), &["apps"]).await?),
                _ => json!(self.named(&at, node, &["apps"]).await?),
            };
            conditions.insert("app_id".to_owned(), ids);
        }
        Ok(Some(given))
    }
}

/// What an operation gets, made of an element of a list.
fn of_element(path: String, node: &Node) -> Draft<'_> {
    Draft { path, place: node.place, node, body: serde_json::Map::new(), renamed: &[] }
}

/// Whether two rules do the same; ids and times do not matter.
fn is_same(one: &Rule, other: &Rule) -> bool {
    *one == Rule { id: one.id.clone(), since_ms: one.since_ms, ..other.clone() }
}

/// Puts words without quotes back in place where words are wanted.
fn words(node: &Node, body: &mut serde_json::Map<String, Value>) {
    for name in WORDS {
        if let Some(word) = node.get(name).and_then(Node::word) {
            body.insert(name.to_owned(), word.into());
        }
    }
}
