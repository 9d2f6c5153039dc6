//! The people and bots of a world by their names, for commands that people type.

use serde_json::Value;

use super::in_world::World;

/// The users and apps of a world: ids and names.
#[derive(Default)]
pub(super) struct Cast {
    users: Vec<(String, String)>,
    apps: Vec<(String, String)>,
}

impl Cast {
    /// Those of a world.
    pub(super) async fn of(world: &World) -> Result<Self, String> {
        let (users, apps) =
            (world.call("GET", "/users", None).await?, world.call("GET", "/apps", None).await?);
        Ok(Cast { users: pairs(&users["users"], "user_id"), apps: pairs(&apps["apps"], "app_id") })
    }

    /// The user_id of a user: by the user_id, by the name, or by its first word, in any case.
    pub(super) fn user(&self, text: &str) -> Result<String, String> {
        found(&self.users, text).ok_or_else(|| {
            let known: Vec<&str> = self.users.iter().map(|(_, name)| name.as_str()).take(20).collect();
            format!("no single user {text:?} in this world; it has {}", known.join(", "))
        })
    }

    /// The id by which a user or a bot is mentioned: a user_id or an app_id.
    pub(super) fn anyone(&self, text: &str) -> Result<String, String> {
        match found(&self.apps, text) {
            Some(id) => Ok(id),
            None => self.user(text),
        }
    }

    /// The name of a user or an app; the id if it is unknown.
    pub(super) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        let known = self.users.iter().chain(&self.apps).find(|(known, _)| known == id);
        known.map_or(id, |(_, name)| name)
    }

    /// A text with mentions before it.
    pub(super) fn mentioning(&self, at: &[String], text: &str) -> Result<String, String> {
        let mut whole = String::new();
        for one in at {
            whole.push_str(&format!("<at user_id=\"{}\"></at> ", self.anyone(one)?));
        }
        Ok(whole + text)
    }
}

fn pairs(list: &Value, id: &str) -> Vec<(String, String)> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|entry| (text(entry, id), text(entry, "name"))).collect()
}

fn found(list: &[(String, String)], text: &str) -> Option<String> {
    if let Some((id, _)) = list.iter().find(|(id, _)| id == text) {
        return Some(id.clone());
    }
    let wanted = text.to_lowercase();
    let first = |name: &str| name.split_whitespace().next().unwrap_or_default().to_lowercase();
    let whole: Vec<&(String, String)> =
        list.iter().filter(|(_, name)| name.to_lowercase() == wanted).collect();
    let matching = if whole.is_empty() {
        list.iter().filter(|(_, name)| first(name) == wanted).collect()
    } else {
        whole
    };
    match matching.as_slice() {
        [(id, _)] => Some(id.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_name() {
        let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        let users = vec![pair("u1", "Ada Larkin"), pair("u2", "Ben Sparrow"), pair("u3", "Ben Nevis")];
        let cast = Cast { users, apps: vec![pair("cli_1", "Demo")] };
        assert_eq!(cast.user("u2").as_deref(), Ok("u2"));
        assert_eq!(cast.user("ada").as_deref(), Ok("u1"));
        assert_eq!(cast.user("ben nevis").as_deref(), Ok("u3"));
        assert!(cast.user("ben").is_err_and(|why| why.contains("Ben Sparrow")));
        assert_eq!(cast.anyone("demo").as_deref(), Ok("cli_1"));
        assert_eq!((cast.name("u1"), cast.name("x")), ("Ada Larkin", "x"));
        let text = cast.mentioning(&["Demo".to_owned()], "hi").expect("known");
        assert_eq!(text, "<at user_id=\"cli_1\"></at> hi");
    }
}
