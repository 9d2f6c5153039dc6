//! Seeds in files: read with what they need from outside, and loaded into worlds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use larkspur_contract::Fault;
use larkspur_control::seeds;
use serde_json::{Value, json};

use super::in_world::{Where, encoded};
use crate::App;

/// A seed with what it needs from outside.
pub(super) struct Seed {
    path: PathBuf,
    text: String,
    /// The variables that it names, as far as they are set.
    secrets: BTreeMap<String, String>,
    /// The cards that it names, as far as the files are there.
    files: BTreeMap<String, Value>,
}

/// What a seed made.
pub(super) struct Applied {
    /// The name of its world.
    name: String,
    /// The world.
    key: String,
    /// What the server answered about it.
    pub(super) answer: Value,
}

/// A variable of the environment that a seed names: a secret of an app, no setting.
#[expect(clippy::disallowed_methods, reason = "a seed names the variables with its secrets")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Seed {
    /// Reads a seed, the variables and the files that it names. Files are looked for beside it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the seed {}: {error}", path.display()))?;
        let (variables, named) = seeds::needs(&text);
        let secrets = variables.into_iter().filter_map(|name| Some((variable(&name)?, name)));
        let secrets = secrets.map(|(value, name)| (name, value)).collect();
        let mut files = BTreeMap::new();
        for name in named {
            let file = path.parent().unwrap_or(Path::new("")).join(&name);
            // The server says where the seed names a file that is not there.
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let card = serde_json::from_str(&text).map_err(|error| {
                format!("{}:{}:{}: {error}", file.display(), error.line(), error.column())
            })?;
            files.insert(name, card);
        }
        Ok(Seed { path: path.to_owned(), text, secrets, files })
    }

    /// The name of the world that it makes.
    fn name(&self) -> Result<String, String> {
        seeds::name(&self.text).map_err(|found| self.mistakes(found.iter().map(String::as_str)))
    }

    fn body(&self, dry_run: bool) -> Value {
        // Only what is not the default: the same call as the console makes.
        let mut body = json!({"seed": self.text});
        if !self.secrets.is_empty() {
            body["secrets"] = json!(self.secrets);
        }
        if !self.files.is_empty() {
            body["files"] = json!(self.files);
        }
        if dry_run {
            body["dry_run"] = json!(true);
        }
        body
    }

    /// Its mistakes, each on a line that begins with file, line and column.
    fn mistakes<'a>(&self, found: impl Iterator<Item = &'a str>) -> String {
        let path = self.path.display();
        let found: Vec<&str> = found.collect();
        let lines: Vec<String> = found
            .iter()
            .map(|one| {
                let placed = one.starts_with(|first: char| first.is_ascii_digit());
                format!("{path}:{}{one}", if placed { "" } else { " " })
            })
            .collect();
        let count = match seeds::count(found.into_iter()) {
            1 => "1 mistake".to_owned(),
            many => format!("{many} mistakes"),
        };
        format!("{count} in the seed, nothing was loaded\n{}", lines.join("\n"))
    }
}

/// Loads a seed into a world of a running server: the one that `place` names, else the one with the seed's name, which is
/// made if there is none.
pub(super) async fn apply(
    seed: &Seed,
    place: &Where,
    (replace, dry_run): (bool, bool),
) -> Result<Applied, String> {
    let control = place.control()?;
    let name = seed.name();
    let key = match place.tenant() {
        Some(key) => Some(key.to_owned()),
        None => {
            let answer = control.call("GET", "", None).await.map_err(|refused| refused.to_string())?;
            only(&answer, name.as_deref().map_err(Clone::clone)?)?
        }
    };
    let mut body = seed.body(dry_run);
    let path = match &key {
        Some(key) => {
            body["mode"] = if replace { "replace" } else { "merge" }.into();
            format!("/{}/seed", encoded(key))
        }
        None => String::new(),
    };
    let answer = control.call("POST", &path, Some(body)).await.map_err(|refused| {
        let found = refused.violations();
        let wrong = found.iter().filter(|(field, _)| field == "seed").map(|(_, why)| why.as_str());
        let wrong: Vec<&str> = wrong.collect();
        if wrong.is_empty() { refused.to_string() } else { seed.mistakes(wrong.into_iter()) }
    })?;
    let name = name.unwrap_or_default();
    Ok(match key {
        Some(key) => Applied { name, key, answer },
        None => of_new(name, &answer),
    })
}

fn of_new(name: String, answer: &Value) -> Applied {
    let key = answer["tenant_key"].as_str().unwrap_or_default().to_owned();
    Applied { name, key, answer: answer["seeded"].clone() }
}

/// The only world with a name, if there is one.
fn only(answer: &Value, name: &str) -> Result<Option<String>, String> {
    let worlds = answer["worlds"].as_array().into_iter().flatten().filter(|world| world["name"] == name);
    let keys: Vec<&str> = worlds.filter_map(|world| world["tenant_key"].as_str()).collect();
    match keys.as_slice() {
        [] => Ok(None),
        [key] => Ok(Some((*key).to_owned())),
        many => Err(format!(
            "{} worlds have the name {name}: pass --tenant with one of {}",
            many.len(),
            many.join(", ")
        )),
    }
}

/// Makes the worlds of seeds that are not there yet, and prints what they have. Secrets are printed only if `open`.
pub(super) async fn at_start(app: &App, files: &[PathBuf], open: bool) -> Result<(), String> {
    for path in files {
        let seed = Seed::read(path)?;
        let name = seed.name()?;
        let failed = |fault: &Fault| format!("cannot load the seed {}: {}", path.display(), fault.note());
        let worlds =
            app.call_own("larkspur.v1.world.list", &json!({})).await.map_err(|fault| failed(&fault))?;
        let there =
            worlds["worlds"].as_array().into_iter().flatten().any(|world| world["name"] == name.as_str());
        if there {
            tracing::info!(world = name, seed = %path.display(), "the world of the seed is there already");
            continue;
        }
        let answer = app.call_own("larkspur.v1.world.create", &seed.body(false)).await.map_err(|fault| {
            let found = fault.violations();
            if found.is_empty() {
                failed(&fault)
            } else {
                seed.mistakes(found.iter().map(|one| one.description.as_str()))
            }
        })?;
        super::print(&told(&of_new(name, &answer), open))?;
    }
    Ok(())
}

/// What was loaded, for people. Secrets are shown only if `open`.
pub(super) fn told(applied: &Applied, open: bool) -> String {
    let Applied { name, key, answer } = applied;
    let counts = |part: &str| -> String {
        let found = answer[part].as_object().into_iter().flatten().filter(|(_, count)| **count != json!(0));
        let found: Vec<String> = found.map(|(kind, count)| counted(kind, count)).collect();
        if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
    };
    let mut out =
        format!("seed        {name} {key}: {} new, {} there before\n", counts("loaded"), counts("merged"));
    if answer["dry_run"] == true {
        out.push_str("            a dry run: nothing was kept\n");
    }
    for (kind, ids) in answer["ids"].as_object().into_iter().flatten() {
        for (name, id) in ids.as_object().into_iter().flatten() {
            let id = id.as_str().unwrap_or_default();
            let secret = answer["app_secrets"][name].as_str().filter(|_| open && kind == "apps");
            if id != name {
                let secret = secret.map_or_else(String::new, |secret| format!(" secret {secret}"));
                out.push_str(&format!("  {kind:10}{name} {id}{secret}\n"));
            }
        }
    }
    out
}

/// `2 apps`, `1 app`
fn counted(kind: &str, count: &Value) -> String {
    let one = kind.strip_suffix('s').filter(|_| *count == json!(1));
    format!("{count} {}", one.unwrap_or(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(text: &str) -> Seed {
        let (path, text) = (PathBuf::from("a/b.yaml"), text.to_owned());
        Seed { path, text, secrets: BTreeMap::new(), files: BTreeMap::new() }
    }

    #[test]
    fn mistakes_are_lines_that_editors_know() {
        let wrong = seed("larkspur: 1\nworld: {name: 5}\n").name().expect_err("a number");
        let expected = "1 mistake in the seed, nothing was loaded\na/b.yaml:2:15: world.name: a text is wanted: the name of the world";
        assert_eq!(wrong, expected);
        let two = seed("").mistakes(["1:2: x", "y"].into_iter());
        assert_eq!(two, "2 mistakes in the seed, nothing was loaded\na/b.yaml:1:2: x\na/b.yaml: y");
        let many = seed("").mistakes(["1:2: x", "and 7 more mistakes"].into_iter());
        assert!(
            many.starts_with("8 mistakes in the seed") && many.ends_with("yaml: and 7 more mistakes"),
            "{many}"
        );
    }

    #[test]
    fn the_world_of_a_seed_has_its_name() {
        let worlds = json!({"worlds": [{"name": "a", "tenant_key": "1"}, {"name": "b", "tenant_key": "2"}, {"name": "b", "tenant_key": "3"}]});
        assert_eq!(only(&worlds, "a"), Ok(Some("1".to_owned())));
        assert_eq!(only(&worlds, "c"), Ok(None));
        assert!(only(&worlds, "b").expect_err("two").contains("--tenant with one of 2, 3"));
    }

    #[test]
    fn what_was_loaded_is_told_in_lines() {
        let answer = json!({
            "loaded": {"apps": 1, "users": 0}, "merged": {"users": 2}, "dry_run": false,
            "ids": {"apps": {"demo": "cli_1"}, "users": {"ada": "ada"}}, "app_secrets": {"demo": "s"}
        });
        let applied = Applied { name: "w".to_owned(), key: "k".to_owned(), answer };
        let open = told(&applied, true);
        assert_eq!(
            open,
            "seed        w k: 1 app new, 2 users there before\n  apps      demo cli_1 secret s\n"
        );
        assert!(!told(&applied, false).contains("secret"));
    }
}
