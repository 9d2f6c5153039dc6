//! Seeds: the content of a world, written down in YAML or JSON with names in place of ids.
//!
//! A seed is read with the places of its values, and loaded by the operations of the control API and of the platform, in
//! one transaction that tells no app. All mistakes are found at once, and the first ones listed; with one, nothing is loaded.

use std::collections::BTreeMap;
use std::fmt;

use larkspur_api::RootCall;
use larkspur_contract::{Fault, FieldViolation, codes};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod chats;
mod loader;
mod node;
mod objects;
mod schema;
mod world;
mod yaml;

use loader::Loader;
use node::{Kind, Node, Place};
pub use schema::schema;

/// The most bytes of a seed.
pub const BYTES_MAX: usize = 4 << 20;
/// The most mistakes that are listed.
const MISTAKES_MAX: usize = 100;
/// The most mistakes that are kept, to list those that come first in the seed.
const KEPT_MAX: usize = 1000;

/// A mistake in a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line and column, from 1 on; `None` if the seed did not come as text.
    pub place: Place,
    /// Which value of the seed, such as `chats.ops.owner`.
    pub path: String,
    /// What is wrong, and what is wanted.
    pub why: String,
}

/// The mistakes of a seed.
#[derive(Debug, Default)]
struct Mistakes {
    found: Vec<Mistake>,
    /// How many more there are.
    more: usize,
}

impl Mistakes {
    fn of(place: Place, path: &str, why: &str) -> Self {
        let mut one = Mistakes::default();
        one.add(place, path, || why.to_owned());
        one
    }

    fn add(&mut self, place: Place, path: &str, why: impl FnOnce() -> String) {
        if self.found.len() < KEPT_MAX {
            self.found.push(Mistake { place, path: path.to_owned(), why: why() });
        } else {
            self.more += 1;
        }
    }

    /// Whether what one may have meant is no longer looked for: a long seed has many names to compare with.
    fn are_many(&self) -> bool {
        self.found.len() >= MISTAKES_MAX
    }

    /// In the order of their places, each once.
    fn in_order(mut self) -> Self {
        self.found.sort_by_key(|one| one.place);
        self.found.dedup();
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.why)
    }
}

/// A seed and what belongs to it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Given {
    /// The seed: YAML or JSON as text, whose mistakes are reported with line and column, or an object.
    pub(crate) seed: Value,
    /// The values of the names after `from-env`.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// Cards that messages name by a file, by the name of the file.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Value>,
    /// Whether nothing is kept: the seed is loaded, its mistakes are reported, and what it wrote is undone. False by default.
    #[schemars(extend("default" = false))]
    pub(crate) dry_run: Option<bool>,
}

/// What was loaded.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The ids, by the names of the seed. Empty after a dry run, which leaves none.
    pub(super) ids: Ids,
    /// The secrets of new apps whose seed names none. They are not shown again.
    pub(super) app_secrets: BTreeMap<String, String>,
    /// How many of each kind are new.
    pub(super) loaded: Counts,
    /// How many of each kind were there before.
    pub(super) merged: Counts,
    /// Whether nothing was kept.
    pub(super) dry_run: bool,
}

/// Ids by the names of a seed.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Ids {
    /// app_ids
    pub(super) apps: BTreeMap<String, String>,
    /// user_ids
    pub(super) users: BTreeMap<String, String>,
    /// Tag ids.
    pub(super) tags: BTreeMap<String, String>,
    /// Tokens of documents.
    pub(super) documents: BTreeMap<String, String>,
    /// chat_ids
    pub(super) chats: BTreeMap<String, String>,
}

/// How many of each kind.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Counts {
    pub(super) apps: u32,
    pub(super) users: u32,
    pub(super) tags: u32,
    pub(super) documents: u32,
    pub(super) chats: u32,
    pub(super) messages: u32,
    pub(super) faults: u32,
}

impl Given {
    /// The seed with its places.
    fn read(&self) -> Result<Node, Fault> {
        match &self.seed {
            Value::String(text) if text.len() > BYTES_MAX => {
                let why = format!("a seed has at most {BYTES_MAX} bytes");
                Err(refusal(&Mistakes::of(None, "", &why)))
            }
            Value::String(text) => yaml::read(text).map_err(|found| refusal(&found)),
            other => yaml::of_json(other).map_err(|found| refusal(&found)),
        }
    }

    /// The name of the world that the seed makes.
    ///
    /// # Errors
    /// It cannot be read, or names no world.
    pub(crate) fn name(&self) -> Result<String, Fault> {
        let node = self.read()?;
        let name = node.get("world").and_then(|world| world.get("name"));
        match name.and_then(Node::text) {
            Some(name) => Ok(name.to_owned()),
            None => {
                let place = name.and_then(|name| name.place).or(node.place);
                Err(refusal(&Mistakes::of(place, "world.name", "a text is wanted: the name of the world")))
            }
        }
    }
}

/// The name of the world that a seed makes.
///
/// # Errors
/// Its mistakes.
pub fn name(text: &str) -> Result<String, Vec<String>> {
    let seed = Value::String(text.to_owned());
    let given = Given { seed, secrets: BTreeMap::new(), files: BTreeMap::new(), dry_run: None };
    given.name().map_err(|fault| fault.violations().iter().map(|one| one.description.clone()).collect())
}

/// The names that a seed needs from outside: of variables after `from-env`, and of files with cards.
pub fn needs(text: &str) -> (Vec<String>, Vec<String>) {
    let Ok(node) = yaml::read(text) else { return (Vec::new(), Vec::new()) };
    let (mut variables, mut files) = (Vec::new(), Vec::new());
    let apps = node.get("apps").map(Node::members).unwrap_or_default();
    for app in apps {
        let events = app.value.get("events");
        let secret =
            events.into_iter().flat_map(|events| events.members().iter().map(|member| &member.value));
        let all = app.value.get("secret").into_iter().chain(secret).filter_map(Node::text);
        variables.extend(all.filter_map(variable).map(str::to_owned));
    }
    let chats = node.get("chats").map(Node::members).unwrap_or_default();
    let messages = chats.iter().filter_map(|chat| chat.value.get("messages")).flat_map(Node::elements);
    files.extend(messages.filter_map(|message| message.get("card")?.text()).map(str::to_owned));
    (variables, files)
}

/// The name of the variable that a text asks for.
fn variable(text: &str) -> Option<&str> {
    text.strip_prefix("from-env ").map(str::trim)
}

/// Loads a seed into a world, whose row the caller has locked. `fresh` says that the world is new or was emptied: then its
/// clock is set.
///
/// # Errors
/// The mistakes of the seed, all of them. The transaction is to be undone.
pub(crate) async fn load(
    root: &mut Root,
    call: &RootCall,
    (key, fresh): (&str, bool),
    given: &Given,
) -> Result<Report, Fault> {
    let node = given.read()?;
    root.silence();
    let mut loader = Loader::new(root, call, key, given)?;
    loader.seed(&node, fresh).await?;
    let (found, mut report) = loader.end();
    if !found.found.is_empty() {
        return Err(refusal(&found));
    }
    if given.dry_run == Some(true) {
        root.discard();
        report.dry_run = true;
        (report.ids, report.app_secrets) = (Ids::default(), BTreeMap::new());
    }
    Ok(report)
}

/// The refusal of a seed with mistakes: 5275400.
fn refusal(Mistakes { found, more }: &Mistakes) -> Fault {
    let violation = |path: &str, description: String| FieldViolation {
        field: "seed".to_owned(),
        value: Some(path.to_owned()).filter(|path| !path.is_empty()),
        description,
    };
    let note = match found.as_slice() {
        [] => "a seed with mistakes".to_owned(),
        [one] => one.to_string(),
        [first, ..] => format!("{} mistakes, of which the first is {first}", found.len() + more),
    };
    let listed = found.iter().take(MISTAKES_MAX).map(|one| violation(&one.path, one.to_string()));
    let left = found.len().saturating_sub(MISTAKES_MAX) + more;
    let rest = (left > 0).then(|| violation("", and_more(left)));
    Fault::new(codes::CONTROL_PARAM_INVALID, note).with_violations(listed.chain(rest).collect())
}

/// The last line of a list of mistakes that has not all of them.
fn and_more(count: usize) -> String {
    format!("and {count} more mistake{}", if count == 1 { "" } else { "s" })
}

/// How many mistakes a list of descriptions stands for.
pub fn count<'a>(descriptions: impl Iterator<Item = &'a str>) -> usize {
    let of_one = |one: &str| {
        let count = one.strip_prefix("and ").and_then(|rest| rest.split_once(" more mistake"));
        count.and_then(|(count, _)| count.parse().ok()).unwrap_or(1)
    };
    descriptions.map(of_one).sum()
}

/// What a value may have been meant to be, if it has no quotes.
fn hint(node: &Node) -> String {
    match &node.kind {
        Kind::Word(_) | Kind::Bool(_) | Kind::Number(_) => format!("; as a text: \"{}\"", node.shown()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mistakes_are_listed_and_all_counted() {
        let mut found = Mistakes::default();
        for line in (1..=1002).rev() {
            found.add(Some((line, 1)), "", || "wrong".to_owned());
        }
        let fault = refusal(&found.in_order());
        assert!(fault.note().starts_with("1002 mistakes, of which the first is 3:1"), "{}", fault.note());
        let listed: Vec<&str> = fault.violations().iter().map(|one| one.description.as_str()).collect();
        assert_eq!((listed.len(), listed[100]), (101, "and 902 more mistakes"));
        assert_eq!(count(listed.into_iter()), 1002);
        assert_eq!(and_more(1), "and 1 more mistake");
    }

    #[test]
    fn what_a_seed_needs_is_found_before_it_is_loaded() {
        let text = "larkspur: 1\nworld: {name: a}\napps:\n  demo: {secret: from-env DEMO_SECRET, events: {encrypt_key: from-env KEY, way: webhook}}\n  b: {}\nchats: {c: {messages: [{as: demo, card: a.json}, {as: demo, card: {a: 1}}]}}\n";
        let (variables, files) = needs(text);
        assert_eq!(
            (variables.join(" "), files.join(" ")),
            ("DEMO_SECRET KEY".to_owned(), "a.json".to_owned())
        );
        assert_eq!(name(text), Ok("a".to_owned()));
        assert_eq!(
            name("larkspur: 1\nworld: {name: no}\n"),
            Err(vec!["2:15: world.name: a text is wanted: the name of the world".to_owned()])
        );
        assert_eq!(name("larkspur: 1\n").expect_err("none").len(), 1);
    }
}
