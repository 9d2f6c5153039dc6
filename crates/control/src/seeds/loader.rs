//! Loads a seed by running operations, and collects mistakes with their places.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use larkspur_api::{Asking, Input, Operation, RootCall, closed_shape};
use larkspur_contract::fields::{Origin, Shape};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::nearest::did_you_mean;
use larkspur_contract::{Fault, codes};
use larkspur_store::{Root, Tx};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::node::{Kind, Member, Node, Place};
use super::{Given, Mistakes, Report, hint};
use crate::support;

/// Loads a seed into one world.
pub(super) struct Loader<'a> {
    pub(super) root: &'a mut Root,
    pub(super) call: &'a RootCall,
    pub(super) key: &'a str,
    pub(super) tenant: TenantKey,
    pub(super) given: &'a Given,
    pub(super) report: Report,
    found: Mistakes,
    names: Names,
}

/// The names of a seed, by kind. A name without an id is of something that was not loaded.
#[derive(Default)]
struct Names(BTreeMap<(&'static str, String), Option<String>>);

/// What an operation gets, made of a value of the seed.
pub(super) struct Draft<'n> {
    /// The path of the value.
    pub(super) path: String,
    /// Where it begins.
    pub(super) place: Place,
    pub(super) node: &'n Node,
    pub(super) body: Map<String, Value>,
    /// Fields of the operation that have another name in the seed.
    pub(super) renamed: &'static [(&'static str, &'static str)],
}

impl<'n> Draft<'n> {
    /// The members of a value, without some.
    pub(super) fn of(path: String, member: &'n Member, without: &[&str]) -> Self {
        let members = member.value.members().iter().filter(|member| !without.contains(&member.name.as_str()));
        let body = members.map(|member| (member.name.clone(), member.value.json())).collect();
        Draft { path, place: member.place, node: &member.value, body, renamed: &[] }
    }

    /// Sets a member.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.body.insert(name.to_owned(), value.into());
    }

    /// Sets a member that is absent.
    pub(super) fn or(&mut self, name: &str, value: &str) {
        self.body.entry(name).or_insert_with(|| value.into());
    }
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        root: &'a mut Root,
        call: &'a RootCall,
        key: &'a str,
        given: &'a Given,
    ) -> Result<Self, Fault> {
        let tenant = support::tenant_key(key)?;
        let (report, found, names) = (Report::default(), Mistakes::default(), Names::default());
        Ok(Loader { root, call, key, tenant, given, report, found, names })
    }

    /// The mistakes, in the order of their places, and what was loaded.
    pub(super) fn end(self) -> (Mistakes, Report) {
        (self.found.in_order(), self.report)
    }

    pub(super) fn tx(&self) -> Tx {
        self.root.tenant(self.tenant)
    }

    /// Notes a mistake.
    pub(super) fn wrong(&mut self, place: Place, path: &str, why: impl Into<String>) {
        self.found.add(place, path, || why.into());
    }

    /// The members of a part of the seed, which must be an object.
    pub(super) fn part<'n>(&mut self, path: &str, node: Option<&'n Node>) -> &'n [Member] {
        match node {
            None => &[],
            Some(node) => match &node.kind {
                Kind::Map(members) => members,
                Kind::Null => &[],
                _ => {
                    self.wrong(node.place, path, format!("an object is wanted, not {}", node.shown()));
                    &[]
                }
            },
        }
    }

    /// The elements of a part of the seed, which must be a list.
    pub(super) fn list<'n>(&mut self, path: &str, node: Option<&'n Node>) -> &'n [Node] {
        match node {
            None => &[],
            Some(node) => match &node.kind {
                Kind::List(elements) => elements,
                Kind::Null => &[],
                _ => {
                    self.wrong(node.place, path, format!("a list is wanted, not {}", node.shown()));
                    &[]
                }
            },
        }
    }

    /// Notes members that are not known.
    pub(super) fn known(&mut self, path: &str, members: &[Member], known: &[&str]) {
        for member in members.iter().filter(|member| !known.contains(&member.name.as_str())) {
            let near = match did_you_mean(&member.name, known.iter().copied()) {
                near if near.is_empty() => format!("; the fields are {}", known.join(", ")),
                near => near,
            };
            self.wrong(member.place, &joined(path, &member.name), format!("no such field{near}"));
        }
    }

    /// The text of a value.
    pub(super) fn text<'n>(&mut self, path: &str, node: &'n Node) -> Option<&'n str> {
        let text = node.text();
        if text.is_none() {
            self.wrong(node.place, path, format!("a text is wanted, not {}{}", node.shown(), hint(node)));
        }
        text
    }

    /// Says that a name is of something of the seed.
    pub(super) fn declare(&mut self, kind: &'static str, members: &[Member]) {
        for member in members {
            self.names.0.insert((kind, member.name.clone()), None);
            let other = if kind == "users" { "apps" } else { "users" };
            if kind == "users" && self.names.0.contains_key(&(other, member.name.clone())) {
                let path = joined(kind, &member.name);
                self.wrong(member.place, &path, "an app has this name, too; name them differently");
            }
        }
    }

    /// The id that a name now has.
    pub(super) fn define(&mut self, kind: &'static str, name: &str, id: &str) {
        self.names.0.insert((kind, name.to_owned()), Some(id.to_owned()));
        let ids = &mut self.report.ids;
        let of_kind = match kind {
            "apps" => &mut ids.apps,
            "users" => &mut ids.users,
            "tags" => &mut ids.tags,
            "documents" => &mut ids.documents,
            _ => &mut ids.chats,
        };
        of_kind.insert(name.to_owned(), id.to_owned());
    }

    /// The id of what a value names, which is of one of some kinds; `None` with a mistake, or if it was not loaded.
    pub(super) async fn named(
        &mut self,
        path: &str,
        node: &Node,
        kinds: &[&'static str],
    ) -> Result<Option<String>, Fault> {
        let Some(name) = self.text(path, node) else { return Ok(None) };
        for kind in kinds {
            if let Some(id) = self.names.0.get(&(*kind, name.to_owned())) {
                return Ok(id.clone());
            }
        }
        // People and apps that are in the world already have no other name than their id.
        if kinds.contains(&"users") || kinds.contains(&"apps") {
            let there = support::member(&mut self.tx(), "", name).await;
            match there {
                Ok(member) => return Ok(Some(member.to_column())),
                Err(unknown) if unknown.code() == codes::CONTROL_NOT_FOUND => {}
                Err(failed) => return Err(failed),
            }
        }
        let known = self.names.0.keys().filter(|(kind, _)| kinds.contains(kind));
        let near = match self.found.are_many() {
            true => String::new(),
            false => did_you_mean(name, known.map(|(_, name)| name.as_str())),
        };
        let one = match kinds {
            ["users"] => "user",
            ["apps"] => "app",
            ["tags"] => "tag",
            ["documents"] => "document",
            ["chats"] => "chat",
            ["users", "apps"] | ["apps", "users"] => "user or app",
            _ => "user, app or chat",
        };
        self.wrong(node.place, path, format!("no {one} has the name {name:?}{near}"));
        Ok(None)
    }

    /// The ids of what the elements of a list name.
    pub(super) async fn all_named(
        &mut self,
        path: &str,
        node: Option<&Node>,
        kinds: &[&'static str],
    ) -> Result<Vec<String>, Fault> {
        let mut ids = Vec::new();
        for (index, element) in self.list(path, node).iter().enumerate() {
            ids.extend(self.named(&format!("{path}[{index}]"), element, kinds).await?);
        }
        Ok(ids)
    }

    /// A value as a type of the control API. `None` with mistakes.
    pub(super) fn typed<T: JsonSchema + DeserializeOwned>(&mut self, draft: &Draft<'_>) -> Option<T> {
        self.checked(&closed_shape::<T>(), draft).and_then(|value| self.parsed(draft, value))
    }

    fn checked(&mut self, shape: &Shape, draft: &Draft<'_>) -> Option<Value> {
        let mut value = Value::Object(draft.body.clone());
        match shape.check(&mut value, Origin::Control, codes::CONTROL_PARAM_INVALID) {
            Ok(()) => Some(value),
            Err(refused) => {
                self.refused(draft, &refused);
                None
            }
        }
    }

    fn parsed<T: DeserializeOwned>(&mut self, draft: &Draft<'_>, value: Value) -> Option<T> {
        match serde_json::from_value(value) {
            Ok(read) => Some(read),
            Err(error) => {
                self.wrong(draft.place, &draft.path, error.to_string());
                None
            }
        }
    }

    /// Runs an operation of the control API. `None` with mistakes, if it refuses.
    pub(super) async fn run<O: Operation<Ground = Root>>(
        &mut self,
        path: Value,
        draft: &Draft<'_>,
    ) -> Result<Option<O::Output>, Fault> {
        if !matches!(draft.node.kind, Kind::Map(_) | Kind::Null) {
            let why = format!("an object is wanted, not {}", draft.node.shown());
            self.wrong(draft.node.place, &draft.path, why);
            return Ok(None);
        }
        let Some(body) = self.typed::<O::Body>(draft) else { return Ok(None) };
        let broken = |error: serde_json::Error| Fault::new(codes::INTERNAL, error.to_string());
        let input = Input::<O> {
            path: serde_json::from_value(path).map_err(broken)?,
            query: serde_json::from_value(Value::Object(Map::new())).map_err(broken)?,
            body,
            file: None,
            kept: OnceLock::new(),
            asking: Asking::default(),
        };
        match O::run(self.root, self.call, &input).await {
            Ok(output) => Ok(Some(output)),
            Err(refused) => self.refuse(draft, refused).map(|()| None),
        }
    }

    /// Notes why an operation refuses.
    ///
    /// # Errors
    /// It failed: the store is unavailable, or the transaction collided.
    pub(super) fn refuse(&mut self, draft: &Draft<'_>, refused: Fault) -> Result<(), Fault> {
        if refused.code().status >= 500 {
            return Err(refused);
        }
        self.refused(draft, &refused);
        Ok(())
    }

    fn refused(&mut self, draft: &Draft<'_>, refused: &Fault) {
        let own =
            refused.code() == codes::CONTROL_PARAM_INVALID || refused.code() == codes::CONTROL_NOT_FOUND;
        let code = if own { String::new() } else { format!(" ({})", refused.code().number) };
        if refused.violations().is_empty() {
            let note = format!("{}{code}: {}", refused.text(), refused.note());
            self.wrong(draft.place, &draft.path, note);
        }
        for violation in refused.violations() {
            let found = locate(draft, &violation.field, violation.value.as_deref());
            let hint = if violation.description == "must be a string" { found.hint } else { String::new() };
            self.wrong(found.place, &found.path, format!("{}{code}{hint}", violation.description));
        }
    }
}

/// Where a violation is.
struct Located {
    place: Place,
    path: String,
    hint: String,
}

/// The value of the seed that a violation is about: the deepest one that its field leads to.
fn locate(draft: &Draft<'_>, field: &str, value: Option<&str>) -> Located {
    let (mut node, mut place, mut path) = (draft.node, draft.place, draft.path.clone());
    for part in field.split('.') {
        let (name, listed) = part.split_once('[').map_or((part, false), |(name, _)| (name, true));
        let renamed = draft.renamed.iter().find(|(new, _)| *new == name).map_or(name, |(_, old)| *old);
        let Some(member) = node.members().iter().find(|member| member.name == renamed) else { break };
        (node, place, path) = (&member.value, member.value.place, joined(&path, renamed));
        if listed {
            let shown = |element: &Node| match element.json() {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let found = node.elements().iter().position(|element| Some(shown(element).as_str()) == value);
            let Some(index) = found else { break };
            node = &node.elements()[index];
            (place, path) = (node.place, format!("{path}[{index}]"));
        }
    }
    Located { place, path, hint: hint(node) }
}

/// The path of a member.
pub(super) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
