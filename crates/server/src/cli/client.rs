//! A running server, for the commands that call it.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Place;
use crate::config::Config;
use crate::http::{self, Fetched, Sent};
use crate::ready::{self, Ready, User, World};

/// How to reach a running server.
pub(super) struct Server {
    authority: String,
    url: String,
    ready: Result<Ready, String>,
}

/// Where the ready file is, and whether a flag or a setting names it or its directory.
fn ready_file(named: Option<&PathBuf>, place: &Place) -> Result<(PathBuf, bool), String> {
    if let Some(path) = named {
        return Ok((path.clone(), true));
    }
    let config = place.config()?;
    let set = Some(config.ready_file).filter(|path| !path.as_os_str().is_empty());
    let usual = Config::load(None, [], &[]).map_err(|error| error.to_string())?.data;
    let named = place.data.is_some() || set.is_some() || config.data != usual;
    Ok((set.unwrap_or_else(|| config.data.join(ready::NAME)), named))
}

/// What the `export` lines of a start say, if a shell has pasted them. They stand in for a ready file that does not exist
/// and that no flag and no setting names.
fn exported(variable: impl Fn(&str) -> Option<String>) -> Option<Ready> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let optional = |name: &str| variable(name).unwrap_or_default();
    let user = variable("USER_OPEN_ID").zip(variable("USER_ID"));
    let user = user.map(|(open_id, user_id)| User {
        open_id,
        user_id,
        union_id: String::new(),
        name: String::new(),
    });
    let world = variable("TENANT_KEY").map(|tenant_key| World {
        tenant_key,
        app_id: optional("APP_ID"),
        app_secret: optional("APP_SECRET"),
        chat_id: optional("CHAT_ID"),
        document_url: optional("DOCUMENT_URL"),
        users: user.into_iter().collect(),
    });
    Some(Ready {
        base_url: variable("BASE_URL")?,
        local_url: None,
        control_key: variable("CONTROL_KEY")?,
        world,
    })
}

/// `host:port` of a base URL.
pub(super) fn authority(url: &str) -> Result<String, String> {
    let authority = url
        .strip_prefix("http://")
        .filter(|rest| !rest.is_empty() && !rest.contains('/'))
        .ok_or_else(|| format!("{url} is not http://HOST:PORT"))?;
    Ok(if has_port(authority) { authority.to_owned() } else { format!("{authority}:80") })
}

/// The `host:port` by which clients on this machine reach the address that a server listens on.
pub(super) fn listened(listen: String) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) => super::reachable(address).to_string(),
        Err(_) => listen,
    }
}

/// What an example exports: no setting of the server.
#[expect(clippy::disallowed_methods, reason = "the start prints these variables for other programs")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Server {
    /// Finds a server by its base URL, by the ready file, or by the exported variables.
    pub(super) fn find(url: Option<&str>, named: Option<&PathBuf>, place: &Place) -> Result<Self, String> {
        let (path, named) = ready_file(named, place)?;
        let here = |ready: &Ready| url.is_none_or(|url| url.trim_end_matches('/') == ready.reach());
        let exported = || exported(variable).filter(|ready| !named && !path.exists() && here(ready));
        let ready = ready::load(&path).or_else(|why| exported().ok_or(why)).map_err(|why| {
            format!("{why}: start `larkspur serve` here, paste its `export` lines, or pass --url and --token")
        });
        let url = match (url, &ready) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Ok(ready)) => ready.reach().to_owned(),
            (None, Err(why)) => return Err(why.clone()),
        };
        Ok(Server { authority: authority(&url)?, url, ready })
    }

    /// The content of the ready file, or of the exported variables; an error if there are none.
    pub(super) fn known(&self) -> Result<&Ready, String> {
        self.ready.as_ref().map_err(Clone::clone)
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, method: &str, target: &str, sent: Sent<'_>) -> Result<Fetched, String> {
        http::fetch(&self.authority, method, target, sent)
            .await
            .map_err(|error| format!("cannot reach {}: {error}: is the server running?", self.url))
    }

    /// A tenant token of an app, by default of the app of the ready file or of the exported variables.
    pub(super) async fn sign_in(&self, app: Option<(&str, &str)>) -> Result<String, String> {
        let (id, secret) = match app {
            Some(app) => app,
            None => {
                let world = self.known()?.world.as_ref();
                let world = world.filter(|world| !world.app_secret.is_empty());
                let world =
                    world.ok_or("neither the ready file nor APP_ID and APP_SECRET name an app: pass --app-id and --app-secret, or --token")?;
                (world.app_id.as_str(), world.app_secret.as_str())
            }
        };
        let body = json!({"app_id": id, "app_secret": secret}).to_string();
        let target = "/open-apis/auth/v3/tenant_access_token/internal";
        let answer = self.send("POST", target, Sent::json(None, Some(body.into()))).await?;
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        value["tenant_access_token"].as_str().map(str::to_owned).ok_or_else(|| {
            let why = value["msg"].as_str().unwrap_or("no answer in JSON");
            format!("{id} cannot sign in: {why}: pass its --app-secret, or another --app-id with it")
        })
    }
}

fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        assert!(has_port("127.0.0.1:1") && has_port("[::1]:1"));
        assert!(!has_port("localhost") && !has_port("[::1]"));
        assert_eq!(authority("http://localhost").as_deref(), Ok("localhost:80"));
        assert!(authority("https://localhost").is_err() && authority("http://h/x").is_err());
    }
}
