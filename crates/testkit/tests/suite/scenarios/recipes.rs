//! The guide's recipes: each row of "How to provoke a refusal" is run as printed, in a new world.

use std::collections::BTreeMap;
use std::fs;

use larkspur_testkit::source::root;
use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

/// A row of the table: the code, and the calls, the last of which is answered with it.
#[derive(Debug)]
struct Recipe {
    code: i64,
    calls: Vec<String>,
}

/// The rows of the table in a page of the guide.
fn recipes(page: &str) -> Vec<Recipe> {
    let text = fs::read_to_string(root().join("docs/guide").join(page)).expect(page);
    let table = text.split("\n| code | calls |\n|---|---|\n").nth(1).expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [code, calls] = cells[..] else { panic!("two cells: {row}") };
        let number = code.trim().split(' ').next().and_then(|number| number.parse().ok());
        // Calls are between backquotes; explanations are next to them.
        let parts = calls.split("<br>").map(|part| part.split('`').nth(1));
        Recipe {
            code: number.unwrap_or_else(|| panic!("a code: {row}")),
            calls: parts.map(|call| call.unwrap_or_else(|| panic!("a call: {row}")).to_owned()).collect(),
        }
    })
    .collect()
}

/// A world, and the values that its recipe names.
struct Kitchen {
    world: World,
    names: BTreeMap<String, Vec<String>>,
    tokens: BTreeMap<String, String>,
}

impl Kitchen {
    /// A new world. Calling users get their tokens before the first call.
    async fn open(lab: &Lab, recipe: &Recipe) -> Kitchen {
        let world = lab.world().await;
        let document = world.document_url.rsplit('/').next().expect("a token").to_owned();
        let users = || world.users.iter().map(|user| user.user_id.clone());
        let mut names = BTreeMap::new();
        let own = [&world.app_id, &world.app_secret, &world.chat_id, &document].map(Clone::clone);
        for (name, value) in
            ["APP", "SECRET", "CHAT", "DOC", "U", "V", "T"].into_iter().zip(own.into_iter().chain(users()))
        {
            names.insert(name.to_owned(), vec![value]);
        }
        let mut tokens = BTreeMap::new();
        for (index, name) in ["U", "V", "T"].into_iter().enumerate() {
            if recipe.calls.iter().any(|call| call.contains(&format!("as {name}: "))) {
                tokens.insert(name.to_owned(), world.user_token(index, json!({})).await);
            }
        }
        Kitchen { world, names, tokens }
    }

    /// Makes one call as printed: `[X = ][15 times ][as U: ]METHOD path[ form][ body][ → member]`.
    async fn call(&mut self, text: &str) -> Reply {
        let (text, member) =
            text.split_once(" → ").map_or((text, None), |(text, member)| (text, Some(member)));
        let (keep, text) = match text.split_once(" = ") {
            Some((name, rest)) if name.chars().all(|c| c.is_ascii_uppercase()) => {
                (Some(name.to_owned()), rest)
            }
            _ => (None, text),
        };
        assert_eq!(keep.is_some(), member.is_some(), "what is kept has a name: {text}");
        let (times, text) = match text.split_once(" times ") {
            Some((times, rest)) => (times.parse::<usize>().expect("a number"), rest),
            None => (1, text),
        };
        let mut kept = Vec::new();
        let mut last = None;
        for _ in 0..times {
            let reply = self.request(text).send().await;
            if let Some(member) = member {
                let data = reply.data();
                let found = data.pointer(&format!("/{}", member.replace('.', "/"))).and_then(Value::as_str);
                kept.push(found.unwrap_or_else(|| panic!("{member} in {data}")).to_owned());
            }
            last = Some(reply);
        }
        if let Some(name) = keep {
            self.names.insert(name, kept);
        }
        last.expect("once at least")
    }

    fn request(&self, text: &str) -> Request {
        let (caller, text) = match text.strip_prefix("as ").and_then(|rest| rest.split_once(": ")) {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let mut parts = text.splitn(3, ' ');
        let (method, path) = (parts.next().expect("a method"), parts.next().expect("a path"));
        let path = self.path(path);
        let request = match path.strip_prefix("W/") {
            Some(rest) => self.world.control(method, &format!("/{rest}")),
            None if path == "worlds" || path.starts_with("worlds/") => {
                self.world.lab.control(method, &format!("/{path}"))
            }
            None => self.world.call(method, &format!("/{path}")),
        };
        let request = match caller {
            None => request,
            Some(name) => request.token(self.tokens.get(name).unwrap_or_else(|| &self.names[name][0])),
        };
        let Some(body) = parts.next() else { return request };
        let (form, body) = body.strip_prefix("form ").map_or((false, body), |body| (true, body));
        let mut body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        self.fill(&mut body);
        if !form {
            return request.body(body);
        }
        let members = body.as_object().expect("an object").iter();
        let (files, fields): (Vec<_>, Vec<_>) = members
            .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
            .partition(|(_, value)| value.starts_with('@'));
        let [(file, _)] = files[..] else { panic!("one file: {text}") };
        request.multipart(&fields, (file, &larkspur_testkit::png(8, 8)))
    }

    /// A path with the names in it replaced.
    fn path(&self, path: &str) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for c in path.chars().chain(['\0']) {
            if c.is_ascii_uppercase() {
                word.push(c);
                continue;
            }
            let known = self.names.get(&word).filter(|_| matches!(c, '/' | '?' | '&' | '\0'));
            out.push_str(known.map_or(&word, |values| &values[0]));
            word.clear();
            if c != '\0' {
                out.push(c);
            }
        }
        out
    }

    /// Replaces the names in a body. In a list, a name of several values stands for all of them.
    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(values) = self.names.get(text) {
                    text.clone_from(&values[0]);
                }
            }
            Value::Array(list) => {
                let several = |one: &Value| one.as_str().and_then(|name| self.names.get(name)).cloned();
                *list = std::mem::take(list)
                    .into_iter()
                    .flat_map(|one| match several(&one) {
                        Some(values) => values.into_iter().map(Value::from).collect(),
                        None => vec![one],
                    })
                    .collect();
                list.iter_mut().filter(|one| one.is_object()).for_each(|one| self.fill(one));
            }
            Value::Object(map) => map.values_mut().for_each(|one| self.fill(one)),
            _ => {}
        }
    }
}

/// The code of an answer: in JSON, or on a page.
fn code(reply: &Reply) -> i64 {
    let page = reply.text().split("Error code: ").nth(1).and_then(|rest| rest.split('.').next());
    page.map_or_else(|| reply.code(), |number| number.parse().expect("a number"))
}

#[tokio::test]
async fn every_recipe_provokes_its_code() {
    let lab = Lab::start().await;
    let all = recipes("control-api.md");
    assert!(all.len() > 30, "{}", all.len());
    let mut wrong = Vec::new();
    for recipe in &all {
        let mut kitchen = Kitchen::open(&lab, recipe).await;
        let (last, before) = recipe.calls.split_last().expect("a call");
        for call in before {
            let reply = kitchen.call(call).await;
            if code(&reply) != 0 {
                wrong.push(format!("{}: {call}: {}", recipe.code, reply.text()));
            }
        }
        let reply = kitchen.call(last).await;
        if code(&reply) != recipe.code {
            wrong.push(format!("{}: {last}: {}", recipe.code, reply.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
