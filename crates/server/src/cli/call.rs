use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use larkspur_api::REGISTRY;
use larkspur_contract::{Access, Spec, Tokens};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::http::{self, Fetched};
use crate::ready::{self, Ready};

/// Flags of `larkspur call`.
#[derive(Args)]
pub(super) struct Flags {
    /// The operation; `larkspur operations` lists them
    operation: String,
    /// A parameter in the path
    #[arg(long, value_name = "NAME=VALUE")]
    path: Vec<String>,
    /// A parameter in the query; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    query: Vec<String>,
    /// The body: JSON, or @FILE
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
    /// Base URL of the server [default: from the ready file]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// An access token, or the control key [default: one got with the app's secret]
    #[arg(long, conflicts_with = "app_id")]
    token: Option<String>,
    /// The app to sign in as [default: from the ready file]
    #[arg(long, requires = "app_secret")]
    app_id: Option<String>,
    /// Its secret
    #[arg(long, requires = "app_id")]
    app_secret: Option<String>,
    /// The ready file [default: ready.json in the data directory]
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    place: super::Place,
}

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Calls an operation and prints what it answers; a refusal is an error of the command.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let spec = REGISTRY
        .iter()
        .copied()
        .flatten()
        .map(|entry| entry.spec)
        .find(|spec| spec.id == flags.operation)
        .ok_or_else(|| {
            format!("there is no operation {:?}: `larkspur operations` lists them", flags.operation)
        })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(call(flags, spec))
}

async fn call(flags: &Flags, spec: &Spec) -> Result<(), String> {
    let server = Server::find(flags)?;
    let target = target(spec, &flags.path, &flags.query)?;
    let body = flags.body.as_deref().map(read_body).transpose()?;
    let credential = match (&flags.token, spec.access) {
        (_, Access::Open) => None,
        (Some(token), _) => Some(token.clone()),
        (None, Access::Control) => Some(server.known()?.control_key.clone()),
        (None, Access::Token { tokens: Tokens::User, .. }) => {
            return Err("only users may call this: pass a user token with --token".to_owned());
        }
        (None, Access::Token { .. } | Access::App) => Some(server.sign_in(flags).await?),
    };
    let header = credential.map(|credential| format!("Bearer {credential}"));
    let answer = server.send(spec.route.method.name(), &target, header.as_deref(), body).await?;
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match &value {
        Some(value) => {
            let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
            super::print(&format!("{text}\n"))?;
        }
        // A file: its bytes, for a pipe.
        None => super::print_bytes(&answer.body)?,
    }
    let code = value.as_ref().and_then(|value| value["code"].as_i64()).unwrap_or_default();
    if answer.status == 200 && code == 0 {
        return Ok(());
    }
    Err(format!("refused with HTTP {} and code {code}", answer.status))
}

/// A body as it stands on the command line, or in the file that it names.
fn read_body(text: &str) -> Result<Bytes, String> {
    match text.strip_prefix('@') {
        None => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(path) => {
            let bytes =
                std::fs::read(Path::new(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
            Ok(bytes.into())
        }
    }
}

/// Path and query of a call.
fn target(spec: &Spec, path: &[String], query: &[String]) -> Result<String, String> {
    let pair = |text: &String| {
        text.split_once('=')
            .map(|(name, value)| (name.to_owned(), utf8_percent_encode(value, ENCODED).to_string()))
            .ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
    };
    let mut target = spec.route.path.to_owned();
    for (name, value) in path.iter().map(pair).collect::<Result<Vec<_>, _>>()? {
        let place = format!("{{{name}}}");
        if !target.contains(&place) {
            return Err(format!("{} has no {name} in its path {}", spec.id, spec.route.path));
        }
        target = target.replace(&place, &value);
    }
    if let Some((_, rest)) = target.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(format!("{} needs --path {name}=…", spec.id));
    }
    let pairs = query.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    for (index, (name, value)) in pairs.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(&format!("{}={value}", utf8_percent_encode(name, ENCODED)));
    }
    Ok(target)
}

/// A running server.
struct Server {
    authority: String,
    url: String,
    ready: Result<Ready, String>,
}

impl Server {
    fn find(flags: &Flags) -> Result<Self, String> {
        let path = match &flags.ready_file {
            Some(path) => path.clone(),
            None => flags.place.config()?.data.join(ready::NAME),
        };
        let ready = ready::read(&path).ok_or_else(|| {
            format!(
                "there is no ready file {}: start `larkspur serve` here, or name the server with --url and the caller with --token",
                path.display()
            )
        });
        let url = match (&flags.url, &ready) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Ok(ready)) => ready.base_url.clone(),
            (None, Err(why)) => return Err(why.clone()),
        };
        let authority = url
            .strip_prefix("http://")
            .filter(|rest| !rest.is_empty() && !rest.contains('/'))
            .ok_or_else(|| format!("{url} is not http://HOST:PORT"))?;
        let authority = if has_port(authority) { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Server { authority, url, ready })
    }

    fn known(&self) -> Result<&Ready, String> {
        self.ready.as_ref().map_err(Clone::clone)
    }

    async fn send(
        &self,
        method: &str,
        target: &str,
        header: Option<&str>,
        body: Option<Bytes>,
    ) -> Result<Fetched, String> {
        http::fetch(&self.authority, method, target, header, body)
            .await
            .map_err(|error| format!("cannot reach {}: {error}: is the server running?", self.url))
    }

    /// A tenant token of the app on the command line or of the demo app.
    async fn sign_in(&self, flags: &Flags) -> Result<String, String> {
        let (id, secret) = match (&flags.app_id, &flags.app_secret) {
            (Some(id), Some(secret)) => (id.clone(), secret.clone()),
            _ => {
                let world = self
                    .known()?
                    .world
                    .as_ref()
                    .ok_or("the ready file names no app: pass --app-id and --app-secret, or --token")?;
                (world.app_id.clone(), world.app_secret.clone())
            }
        };
        let body = json!({"app_id": id, "app_secret": secret}).to_string();
        let target = "/open-apis/auth/v3/tenant_access_token/internal";
        let answer = self.send("POST", target, None, Some(body.into())).await?;
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
    }
}
