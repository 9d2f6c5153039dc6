//! The matcher: one grammar of conditions for filters of recorded calls, for assertions, and for fault rules.
//!
//! A matcher is a JSON object. Each member names a field and gives a test of it; all of them must hold. A scalar is
//! equality, an array is any of its tests, and an object has one or more of `glob`, `contains`, `gte`, `lte`, `absent`
//! and `not`, all of which must hold. `header` and `query` are objects by name, `body` is an object by path: `a.b`,
//! `a[0].b`, and `a[*].b` for any element. There are no regular expressions, so a match takes time that grows only
//! with the product of pattern and text.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

mod path;
mod test;
mod words;

use path::Path;
use test::Test;

/// The most conditions of a matcher.
pub const CONDITIONS_MAX: usize = 64;

/// The fields that a matcher may name.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// Fields with one value each. A text with a `*` is a glob in the first `globs` of them.
    pub fields: &'static [&'static str],
    /// Fields in which a plain text with a `*` is a glob.
    pub globs: &'static [&'static str],
    /// Fields with members by name: `header`, `query`.
    pub maps: &'static [&'static str],
    /// Fields with members by path: `body`.
    pub trees: &'static [&'static str],
}

/// What is matched.
pub trait Subject {
    /// The value of a field of the grammar. Members of a map are in lower case if the map is `header`. `None`, if the
    /// subject has no such field.
    fn field(&self, name: &str) -> Option<Cow<'_, Value>>;
}

/// A set of conditions, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matcher {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    field: &'static str,
    /// The member; empty for a field with one value.
    path: Path,
    test: Test,
}

/// Why a text or a value is not a matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where: a path into the matcher.
    pub at: String,
    /// What is allowed there.
    pub why: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.why)
    }
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field, with the path of its member.
    pub path: String,
    /// The test, as JSON.
    pub wanted: Value,
    /// What the subject has there; `None` for nothing.
    pub got: Option<Value>,
}

impl Matcher {
    /// Reads a matcher from its JSON.
    ///
    /// # Errors
    /// The first part that is not understood.
    pub fn parse(value: &Value, grammar: &Grammar) -> Result<Self, Wrong> {
        let Value::Object(members) = value else {
            return Err(wrong("", "a JSON object"));
        };
        let mut conditions = Vec::new();
        for (name, test) in members {
            let Some((field, kind)) = grammar.find(name) else {
                return Err(grammar.unknown(name));
            };
            match kind {
                Kind::Plain => {
                    let test = Test::parse(test, grammar.globs.contains(&field), name)?;
                    conditions.push(Condition { field, path: Path::default(), test });
                }
                Kind::Map | Kind::Tree => {
                    let Value::Object(members) = test else {
                        return Err(wrong(name, "a JSON object"));
                    };
                    conditions.extend(members_of(field, kind, members)?);
                }
            }
        }
        bounded(conditions)
    }

    /// Reads a matcher from pairs, as in a query: `operation=im.v1.*`, `status=>=500`, `body.uuid=…`.
    ///
    /// `,` separates alternatives in fields with one value; `*` makes a glob; `>=`, `<=`, `~` (contains) and `!` (not)
    /// stand before a value, and an empty value means that the member is absent.
    ///
    /// # Errors
    /// The first part that is not understood.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        grammar: &Grammar,
    ) -> Result<Self, Wrong> {
        let mut conditions = Vec::new();
        for (name, text) in pairs {
            let (first, rest) = name.split_once('.').unwrap_or((name, ""));
            let Some((field, kind)) = grammar.find(first) else {
                return Err(grammar.unknown(name));
            };
            let path = match kind {
                Kind::Plain if rest.is_empty() => Path::default(),
                Kind::Plain => return Err(wrong(name, "this field has no members")),
                _ => member(field, kind, rest).ok_or_else(|| wrong(name, PATH))?,
            };
            let test = words::test(text, kind == Kind::Plain).ok_or_else(|| wrong(name, test::ALLOWED))?;
            conditions.push(Condition { field, path, test });
        }
        bounded(conditions)
    }

    /// Whether it has no condition, and so matches everything.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether all conditions hold.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        self.conditions.iter().all(|condition| condition.holds(subject))
    }

    /// The share of conditions that hold, from 0 to 1, and those that do not.
    pub fn compare(&self, subject: &dyn Subject) -> (f64, Vec<Difference>) {
        let failing = self.conditions.iter().filter(|condition| !condition.holds(subject));
        let differs: Vec<Difference> = failing
            .map(|condition| Difference {
                path: condition.shown(),
                wanted: condition.test.to_json(),
                got: condition.first(subject),
            })
            .collect();
        let all = self.conditions.len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "at most 64 conditions")]
        let share = (all - differs.len().min(all)) as f64 / all as f64;
        (share, differs)
    }
}

impl Condition {
    fn holds(&self, subject: &dyn Subject) -> bool {
        let Some(value) = subject.field(self.field) else { return self.test.holds_for_nothing() };
        let mut any = false;
        let mut found = false;
        self.path.visit(&value, &mut |value| {
            // `null` is a value: a member that is absent is not visited.
            found = true;
            any |= self.test.holds(value);
            any
        });
        if found { any } else { self.test.holds_for_nothing() }
    }

    fn first(&self, subject: &dyn Subject) -> Option<Value> {
        let value = subject.field(self.field)?;
        let mut first = None;
        self.path.visit(&value, &mut |value| {
            first = Some(value.clone());
            true
        });
        first
    }

    fn shown(&self) -> String {
        let path = self.path.to_string();
        if path.is_empty() { self.field.to_owned() } else { format!("{}.{path}", self.field) }
    }
}

const PATH: &str = "a path such as a.b, a[0].b or a[*].b, of at most 16 parts";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Map,
    Tree,
}

impl Grammar {
    fn find(&self, name: &str) -> Option<(&'static str, Kind)> {
        let lists = [(self.fields, Kind::Plain), (self.maps, Kind::Map), (self.trees, Kind::Tree)];
        lists
            .into_iter()
            .find_map(|(list, kind)| list.iter().find(|known| **known == name).map(|known| (*known, kind)))
    }

    fn unknown(&self, name: &str) -> Wrong {
        let all = self.fields.iter().chain(self.maps).chain(self.trees);
        let names = all.copied().collect::<Vec<_>>().join(", ");
        wrong(name, &format!("no such field: use {names}"))
    }
}

fn members_of(
    field: &'static str,
    kind: Kind,
    members: &Map<String, Value>,
) -> Result<Vec<Condition>, Wrong> {
    let read = |(name, test): (&String, &Value)| {
        let at = format!("{field}.{name}");
        let path = member(field, kind, name).ok_or_else(|| wrong(&at, PATH))?;
        Ok(Condition { field, path, test: Test::parse(test, false, &at)? })
    };
    members.iter().map(read).collect()
}

/// The path of a member. The names of headers have no case.
fn member(field: &str, kind: Kind, name: &str) -> Option<Path> {
    match kind {
        Kind::Map if name.is_empty() => None,
        Kind::Map if field == "header" => Some(Path::name(&name.to_lowercase())),
        Kind::Map => Some(Path::name(name)),
        Kind::Plain | Kind::Tree => Path::parse(name),
    }
}

fn bounded(conditions: Vec<Condition>) -> Result<Matcher, Wrong> {
    if conditions.len() > CONDITIONS_MAX {
        return Err(wrong("", &format!("at most {CONDITIONS_MAX} conditions")));
    }
    Ok(Matcher { conditions })
}

fn wrong(at: &str, why: &str) -> Wrong {
    Wrong { at: at.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const GRAMMAR: Grammar = Grammar {
        fields: &["operation", "code", "outcome", "status"],
        globs: &["operation"],
        maps: &["header", "query"],
        trees: &["body"],
    };

    struct Of(Value);

    impl Subject for Of {
        fn field(&self, name: &str) -> Option<Cow<'_, Value>> {
            self.0.get(name).map(Cow::Borrowed)
        }
    }

    fn call() -> Of {
        Of(json!({
            "operation": "im.v1.chat_tab.create", "code": 232055, "outcome": "refused", "status": 400,
            "header": {"user-agent": "oapi-sdk-python/v1.7.5"}, "query": {"page_size": "100"},
            "body": {"chat_tabs": [{"tab_name": "Wiki"}, {"tab_name": "Runbook", "n": null}], "size": 3}
        }))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
    fn matches(value: Value) -> bool {
        Matcher::parse(&value, &GRAMMAR).expect("a matcher").matches(&call())
    }

    #[test]
    fn conditions_that_hold() {
        for value in [
            json!({}),
            json!({"operation": "im.v1.chat_tab.*", "code": 232055, "outcome": ["refused", "injected"]}),
            json!({"status": {"gte": 400, "lte": 499}}),
            json!({"header": {"User-Agent": {"contains": "python"}}, "query": {"page_size": "100"}}),
            json!({"body": {"chat_tabs[0].tab_name": {"glob": "Wi*"}, "uuid": {"absent": true}}}),
            json!({"body": {"chat_tabs[*].tab_name": "Runbook", "chat_tabs[1].n": null, "size": 3}}),
            json!({"body": {"size": {"absent": false}}, "code": {"not": 0}}),
            json!({"body": {"uuid": {"not": "x"}}}),
            json!({"body": {"chat_tabs[1]": {"absent": false}}}),
        ] {
            assert!(matches(value.clone()), "{value}");
        }
    }

    #[test]
    fn conditions_that_do_not_hold() {
        for value in [
            json!({"operation": "im.v1.chat.*"}),
            json!({"code": "232055"}),
            json!({"status": {"gte": 500}}),
            json!({"header": {"x": "y"}}),
            json!({"body": {"chat_tabs[2].tab_name": "Wiki"}}),
            json!({"body": {"chat_tabs[*].tab_name": "wiki"}}),
            json!({"body": {"size": {"absent": true}}}),
            json!({"body": {"size": "3"}}),
            json!({"outcome": []}),
        ] {
            assert!(!matches(value.clone()), "{value}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (value, at) in [
            (json!([]), ""),
            (json!({"operatoin": 1}), "operatoin"),
            (json!({"body": 3}), "body"),
            (json!({"body": {"a[": 1}}), "body.a["),
            (json!({"body": {"a[x]": 1}}), "body.a[x]"),
            (json!({"code": {"regex": "."}}), "code.regex"),
            (json!({"code": {}}), "code"),
            (json!({"code": {"gte": true}}), "code.gte"),
            (json!({"code": {"absent": 1}}), "code.absent"),
            (json!({"code": {"not": {"not": {"not": {"not": {"not": 1}}}}}}), "code.not.not.not.not"),
        ] {
            assert_eq!(Matcher::parse(&value, &GRAMMAR).expect_err("refused").at, at, "{value}");
        }
        let many: Map<String, Value> = (0..65).map(|n| (format!("a{n}"), json!(n))).collect();
        assert!(Matcher::parse(&json!({"body": many}), &GRAMMAR).is_err());
    }

    #[test]
    fn pairs_of_a_query() {
        let matches = |pairs: &[(&str, &str)]| {
            let matcher = Matcher::from_pairs(pairs.iter().copied(), &GRAMMAR);
            matcher.map(|matcher| matcher.matches(&call()))
        };
        assert_eq!(matches(&[("operation", "im.v1.*"), ("code", "232055"), ("status", ">=400")]), Ok(true));
        assert_eq!(matches(&[("outcome", "ok,refused"), ("query.page_size", "100")]), Ok(true));
        assert_eq!(
            matches(&[("body.size", "3"), ("body.uuid", ""), ("header.User-Agent", "~python")]),
            Ok(true)
        );
        assert_eq!(matches(&[("outcome", "!refused")]), Ok(false));
        assert_eq!(matches(&[("body.chat_tabs[*].tab_name", "wiki")]), Ok(false));
        assert!(matches(&[("code.x", "1")]).is_err() && matches(&[("xyzzy", "1")]).is_err());
    }

    #[test]
    fn differences_name_path_wanted_and_got() {
        let matcher = json!({"operation": "im.v1.*", "body": {"chat_tabs[0].tab_name": "wiki"}});
        let (score, differs) = Matcher::parse(&matcher, &GRAMMAR).expect("a matcher").compare(&call());
        assert!((score - 0.5).abs() < 0.001, "{score}");
        assert_eq!(differs.len(), 1);
        assert_eq!(differs[0].path, "body.chat_tabs[0].tab_name");
        assert_eq!((&differs[0].wanted, &differs[0].got), (&json!("wiki"), &Some(json!("Wiki"))));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c*?]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(
                    prop_oneof!["[a-c]{1,2}", "(not|glob|gte|absent|body|code|a\\[0\\])"],
                    inner,
                    0..4
                )
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(value in any_json(), subject in any_json()) {
            if let Ok(matcher) = Matcher::parse(&value, &GRAMMAR) {
                let subject = Of(json!({"body": subject, "code": 1}));
                let (score, differs) = matcher.compare(&subject);
                prop_assert_eq!(matcher.matches(&subject), differs.is_empty());
                prop_assert!((0.0..=1.0).contains(&score));
            }
        }

        #[test]
        fn a_body_equals_itself_at_every_path(subject in any_json()) {
            for name in ["a", "b", "a[0]", "a.b"] {
                let path = Path::parse(name).expect("a path");
                let mut here = None;
                path.visit(&subject, &mut |value| { here = Some(value.clone()); true });
                let test = match &here {
                    Some(value) if !value.is_array() && !value.is_object() => value.clone(),
                    Some(_) => json!({"absent": false}),
                    None => json!({"absent": true}),
                };
                let matcher = Matcher::parse(&json!({"body": {name: test}}), &GRAMMAR).expect("a matcher");
                prop_assert!(matcher.matches(&Of(json!({"body": subject}))), "{} {:?}", name, here);
            }
        }
    }
}
