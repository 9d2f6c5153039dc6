use std::io::Read;
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use larkspur_contract::{Access, Consumes, Spec, Tokens};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::client::Server;
use super::{form, json, operations};
use crate::http::Sent;

/// Flags of `larkspur call`.
#[derive(Args)]
pub(super) struct Flags {
    /// Operation; `larkspur operations` lists them
    operation: String,
    /// Path parameter, repeatable [default: `tenant_key` from the ready file, else TENANT_KEY]
    #[arg(long, value_name = "NAME=VALUE")]
    path: Vec<String>,
    /// Query parameter, repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    query: Vec<String>,
    /// Body: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    body: Option<String>,
    /// File to upload
    #[arg(long, value_name = "NAME=@PATH", conflicts_with = "body")]
    file: Vec<String>,
    /// Form field beside a file, repeatable
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "body")]
    field: Vec<String>,
    /// Base URL of the server [default: from the ready file, else BASE_URL]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Access token or control key [default: a new token of the app]
    #[arg(long, conflicts_with = "app_id")]
    token: Option<String>,
    /// App to sign in as [default: from the ready file, else APP_ID with APP_SECRET]
    #[arg(long, requires = "app_secret")]
    app_id: Option<String>,
    /// Secret of the app
    #[arg(long, requires = "app_id")]
    app_secret: Option<String>,
    /// Ready file [default: the setting `ready_file`, else ready.json in the data directory]
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    place: super::Place,
}

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Calls an operation and prints its answer; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let spec = operations::find(&flags.operation)?.spec;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(call(flags, spec))
}

async fn call(flags: &Flags, spec: &Spec) -> Result<(), String> {
    let server = Server::find(flags.url.as_deref(), flags.ready_file.as_ref(), &flags.place)?;
    let tenant = || server.known().ok()?.world.as_ref().map(|world| world.tenant_key.clone());
    let target = target(spec, &flags.path, &flags.query, tenant)?;
    let (kind, body) = body(flags, spec)?;
    let credential = match (&flags.token, spec.access) {
        (_, Access::Open) => None,
        (Some(token), _) => Some(token.clone()),
        (None, Access::Control) => Some(server.known()?.control_key.clone()),
        (None, Access::Token { tokens: Tokens::User, .. }) => {
            return Err("only users can call this operation: pass a user token with --token".to_owned());
        }
        (None, Access::Token { .. } | Access::App | Access::AppOrBody) => {
            Some(server.sign_in(flags.app_id.as_deref().zip(flags.app_secret.as_deref())).await?)
        }
    };
    let header = credential.map(|credential| format!("Bearer {credential}"));
    let sent = Sent { authorization: header.as_deref(), content_type: &kind, body };
    let answer = server.send(spec.route.method.name(), &target, sent).await?;
    match json::indented(&answer.body) {
        Some(text) => super::print(&format!("{text}\n"))?,
        // A file: print its bytes, for a pipe.
        None => super::print_bytes(&answer.body)?,
    }
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = value["code"].as_i64().unwrap_or_default();
    if answer.status == 200 && code == 0 {
        return Ok(());
    }
    Err(format!("refused with HTTP {} and code {code}", answer.status))
}

/// The media type and the bytes of the request's body.
fn body(flags: &Flags, spec: &Spec) -> Result<(String, Option<Bytes>), String> {
    let kind = "application/json; charset=utf-8".to_owned();
    if let Consumes::Multipart { file, .. } = spec.consumes {
        if flags.body.is_some() {
            return Err(format!("{} takes a form: --file {file}=@PATH and --field NAME=VALUE", spec.id));
        }
        let (kind, bytes) = form::form(&flags.field, &flags.file)?;
        return Ok((kind, Some(bytes)));
    }
    if !flags.file.is_empty() || !flags.field.is_empty() {
        return Err(format!("{} takes JSON, not a file or form: pass it with --body", spec.id));
    }
    Ok((kind, flags.body.as_deref().map(read_body).transpose()?))
}

/// A body from the command line, a file, or standard input.
pub(super) fn read_body(text: &str) -> Result<Bytes, String> {
    let bytes = match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| format!("cannot read standard input: {error}"))?;
            bytes
        }
        (_, Some(path)) => std::fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?,
        (text, None) => text.as_bytes().to_vec(),
    };
    Ok(bytes.into())
}

/// Path and query of a call. `tenant` comes from the ready file.
fn target(
    spec: &Spec,
    path: &[String],
    query: &[String],
    tenant: impl FnOnce() -> Option<String>,
) -> Result<String, String> {
    let encoded = |value: &str| utf8_percent_encode(value, ENCODED).to_string();
    let pair = |text: &String| {
        text.split_once('=')
            .map(|(name, value)| (name.to_owned(), encoded(value)))
            .ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
    };
    let mut target = spec.route.path.to_owned();
    for (name, value) in path.iter().map(pair).collect::<Result<Vec<_>, _>>()? {
        let place = format!("{{{name}}}");
        if !target.contains(&place) {
            return Err(format!("{} has no path parameter {name}: its path is {}", spec.id, spec.route.path));
        }
        target = target.replace(&place, &value);
    }
    if target.contains("{tenant_key}")
        && let Some(tenant) = tenant()
    {
        target = target.replace("{tenant_key}", &encoded(&tenant));
    }
    if let Some((_, rest)) = target.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(format!("{} needs --path {name}=…", spec.id));
    }
    let pairs = query.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    for (index, (name, value)) in pairs.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(&format!("{}={value}", encoded(name)));
    }
    Ok(target)
}
