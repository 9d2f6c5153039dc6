//! A world of a running server, for the commands that call its control API.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::client::Server;
use crate::http::{Fetched, Sent};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Which world of which server.
#[derive(Args)]
pub(super) struct Where {
    /// Tenant of the world [default: from the ready file]
    #[arg(long, value_name = "KEY")]
    tenant: Option<String>,
    /// Base URL of the server [default: from the ready file]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Control key [default: from the ready file]
    #[arg(long)]
    token: Option<String>,
    /// Ready file [default: the setting `ready_file`, else ready.json in the data directory]
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    place: super::Place,
}

/// A world of a running server.
pub(super) struct World {
    /// Its server.
    pub(super) server: Server,
    key: String,
    tenant: String,
    path: String,
}

impl World {
    /// Finds a world of a running server.
    pub(super) fn find(place: &Where) -> Result<Self, String> {
        let mut world = World::any(place)?;
        if world.tenant.is_empty() {
            let known = world.server.known()?.world.as_ref();
            world.tenant = known.ok_or("the ready file has no world: pass --tenant")?.tenant_key.clone();
        }
        world.path = format!("/worlds/{}", encoded(&world.tenant));
        Ok(world)
    }

    /// A running server, for calls that need no world: [`World::control`].
    pub(super) fn any(place: &Where) -> Result<Self, String> {
        let server = Server::find(place.url.as_deref(), place.ready_file.as_ref(), &place.place)?;
        let key = match &place.token {
            Some(key) => key.clone(),
            None => server.known()?.control_key.clone(),
        };
        let tenant = place.tenant.clone().unwrap_or_default();
        Ok(World { server, key, tenant, path: String::new() })
    }

    /// Its tenant.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The app that a flag names, or that of the ready file.
    pub(super) fn app(&self, named: Option<&String>) -> Result<String, String> {
        if let Some(app) = named {
            return Ok(app.clone());
        }
        let known = self.server.known()?.world.as_ref();
        Ok(known.ok_or("the ready file has no app: pass --app")?.app_id.clone())
    }

    /// The `data` of the answer to a call; `more` is its path below the world's, with its query.
    pub(super) async fn call(&self, method: &str, more: &str, body: Option<Value>) -> Result<Value, String> {
        self.control(method, &format!("{}{more}", self.path), body).await
    }

    /// As [`World::call`], for any path of the control API.
    pub(super) async fn control(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let authorization = format!("Bearer {}", self.key);
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.data(method, path, Sent::json(Some(&authorization), body)).await
    }

    /// As [`World::call`], with a form.
    pub(super) async fn upload(&self, more: &str, media: &str, form: Bytes) -> Result<Value, String> {
        let authorization = format!("Bearer {}", self.key);
        let sent = Sent { authorization: Some(&authorization), content_type: media, body: Some(form) };
        self.data("PUT", &format!("{}{more}", self.path), sent).await
    }

    /// The bytes of an answer that is a file.
    pub(super) async fn download(&self, more: &str) -> Result<Bytes, String> {
        let authorization = format!("Bearer {}", self.key);
        let target = format!("/larkspur/v1{}{more}", self.path);
        let answer = self.server.send("GET", &target, Sent::json(Some(&authorization), None)).await?;
        if answer.status == 200 { Ok(answer.body) } else { data(&answer).map(|_| Bytes::new()) }
    }

    async fn data(&self, method: &str, path: &str, sent: Sent<'_>) -> Result<Value, String> {
        data(&self.server.send(method, &format!("/larkspur/v1{path}"), sent).await?)
    }
}

/// The `data` of an answer, or why it was refused.
fn data(answer: &Fetched) -> Result<Value, String> {
    let mut value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if value["code"] == 0 {
        return Ok(value["data"].take());
    }
    let why = match &value["error"]["field_violations"][0] {
        Value::Null => value["msg"].as_str().unwrap_or("the answer is not JSON").to_owned(),
        first => {
            let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("field"), text("description"))
        }
    };
    let code = value["code"].as_i64().unwrap_or_default();
    Err(format!("refused with HTTP {} and code {code}: {why}", answer.status))
}

/// A text as a part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
