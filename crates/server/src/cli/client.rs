//! A running server, for the commands that call it.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Place;
use crate::http::{self, Fetched, Sent};
use crate::ready::{self, Ready};

/// How to reach a running server.
pub(super) struct Server {
    authority: String,
    url: String,
    ready: Result<Ready, String>,
}

/// Where the ready file is: as given, or by the settings.
pub(super) fn ready_file(named: Option<&PathBuf>, place: &Place) -> Result<PathBuf, String> {
    if let Some(path) = named {
        return Ok(path.clone());
    }
    let config = place.config()?;
    let set = Some(config.ready_file).filter(|path| !path.as_os_str().is_empty());
    Ok(set.unwrap_or_else(|| config.data.join(ready::NAME)))
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

impl Server {
    /// Finds a server by its base URL, or by the ready file.
    pub(super) fn find(url: Option<&str>, named: Option<&PathBuf>, place: &Place) -> Result<Self, String> {
        let path = ready_file(named, place)?;
        let ready = ready::load(&path)
            .map_err(|why| format!("{why}: start `larkspur serve` here, or pass --url and --token"));
        let url = match (url, &ready) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Ok(ready)) => ready.reach().to_owned(),
            (None, Err(why)) => return Err(why.clone()),
        };
        Ok(Server { authority: authority(&url)?, url, ready })
    }

    /// The content of the ready file; an error if there is none.
    pub(super) fn known(&self) -> Result<&Ready, String> {
        self.ready.as_ref().map_err(Clone::clone)
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, method: &str, target: &str, sent: Sent<'_>) -> Result<Fetched, String> {
        http::fetch(&self.authority, method, target, sent)
            .await
            .map_err(|error| format!("cannot reach {}: {error}: is the server running?", self.url))
    }

    /// A tenant token of an app, or of the demo app.
    pub(super) async fn sign_in(&self, app: Option<(&str, &str)>) -> Result<String, String> {
        let (id, secret) = match app {
            Some(app) => app,
            None => {
                let world = self
                    .known()?
                    .world
                    .as_ref()
                    .ok_or("the ready file has no app: pass --app-id and --app-secret, or --token")?;
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
