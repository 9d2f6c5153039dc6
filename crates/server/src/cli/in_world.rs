//! A world of a running server, for the commands that call its control API.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::client::Server;
use super::json::indented;
use super::terminal::{Part, Screen};
use crate::http::{Fetched, Sent};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Which world of which server.
#[derive(Args)]
pub(super) struct Where {
    /// Tenant of the world [default: from the ready file, else TENANT_KEY]
    #[arg(long, visible_alias = "world", value_name = "KEY")]
    tenant: Option<String>,
    /// Base URL of the server [default: from the ready file, else BASE_URL]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Control key [default: from the ready file, else CONTROL_KEY]
    #[arg(long)]
    token: Option<String>,
    /// Ready file [default: the setting `ready_file`, else ready.json in the data directory]
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    place: super::Place,
}

impl Where {
    /// The tenant that the flags name.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The control API of the server.
    pub(super) fn control(&self) -> Result<Control, String> {
        let server = Server::find(self.url.as_deref(), self.ready_file.as_ref(), &self.place)?;
        let key = match &self.token {
            Some(key) => key.clone(),
            None => server.known()?.control_key.clone(),
        };
        Ok(Control { server, key })
    }
}

/// Which world, and how to print what it answers.
#[derive(Args)]
pub(super) struct Common {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) place: Where,
}

impl Common {
    /// Whether to print JSON.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Prints an answer as JSON, or as lines that fit the terminal.
    pub(super) fn show(
        &self,
        answer: &Value,
        lines: impl FnOnce(&Value, &Screen) -> Vec<Vec<Part>>,
    ) -> Result<(), String> {
        if self.json {
            return print_json(answer);
        }
        let screen = Screen::standard();
        super::print(&screen.lines(&lines(answer, &screen)))
    }

    /// Prints a list like [`Common::show`]; if it has no line, says so, as [`nothing`] does.
    pub(super) fn list(
        &self,
        answer: &Value,
        what: &str,
        lines: impl FnOnce(&Value, &Screen) -> Vec<Vec<Part>>,
    ) -> Result<(), String> {
        self.show(answer, |answer, screen| {
            let lines = lines(answer, screen);
            if lines.is_empty() {
                nothing(what);
            }
            lines
        })
    }

    /// Prints the answer to a change as JSON, if that is asked for.
    pub(super) fn done(&self, answer: &Value) -> Result<(), String> {
        if self.json { print_json(answer) } else { Ok(()) }
    }
}

/// Says that there is nothing to list. Programs read standard output, which stays empty.
#[expect(clippy::print_stderr, reason = "it is no output")]
pub(super) fn nothing(what: &str) {
    eprintln!("no {what}");
}

/// Prints a value as JSON for people and programs: one member per line.
pub(super) fn print_json(value: &Value) -> Result<(), String> {
    let text = value.to_string();
    super::print(&format!("{}\n", indented(text.as_bytes()).unwrap_or(text)))
}

/// The control API of a running server.
pub(super) struct Control {
    server: Server,
    key: String,
}

/// A call that the control API refused, or that failed.
pub(super) enum Refused {
    /// It was not answered.
    Failed(String),
    /// It was answered, with this HTTP status.
    Answered(u16, Value),
}

impl Refused {
    /// The fields that were refused, and why.
    pub(super) fn violations(&self) -> Vec<(String, String)> {
        let Refused::Answered(_, value) = self else { return Vec::new() };
        let found = value["error"]["field_violations"].as_array().into_iter().flatten();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        found.map(|one| (text(one, "field"), text(one, "description"))).collect()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, value) = match self {
            Refused::Failed(why) => return f.write_str(why),
            Refused::Answered(status, value) => (status, value),
        };
        let why = match self.violations().into_iter().next() {
            None => value["msg"].as_str().unwrap_or("the answer is not JSON").to_owned(),
            Some((field, why)) => format!("{field}: {why}"),
        };
        let code = value["code"].as_i64().unwrap_or_default();
        write!(f, "refused with HTTP {status} and code {code}: {why}")
    }
}

impl Control {
    /// The `data` of the answer to a call; `more` is its path below that of the worlds.
    pub(super) async fn call(&self, method: &str, more: &str, body: Option<Value>) -> Result<Value, Refused> {
        let authorization = self.authorization();
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.send(method, more, Sent::json(Some(&authorization), body)).await
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.key)
    }

    async fn send(&self, method: &str, more: &str, sent: Sent<'_>) -> Result<Value, Refused> {
        data(&self.fetch(method, more, sent).await.map_err(Refused::Failed)?)
    }

    async fn fetch(&self, method: &str, more: &str, sent: Sent<'_>) -> Result<Fetched, String> {
        self.server.send(method, &format!("/larkspur/v1/worlds{more}"), sent).await
    }
}

/// The `data` of an answer, or why it was refused.
fn data(answer: &Fetched) -> Result<Value, Refused> {
    let mut value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if value["code"] == 0 {
        return Ok(value["data"].take());
    }
    Err(Refused::Answered(answer.status, value))
}

/// A world of a running server.
pub(super) struct World {
    control: Control,
    tenant: String,
    path: String,
}

impl World {
    /// Finds a world of a running server.
    pub(super) fn find(place: &Where) -> Result<Self, String> {
        let control = place.control()?;
        let tenant = match &place.tenant {
            Some(tenant) => tenant.clone(),
            None => {
                let world = control.server.known()?.world.as_ref();
                world.ok_or("the ready file has no world: pass --tenant")?.tenant_key.clone()
            }
        };
        let path = format!("/{}", encoded(&tenant));
        Ok(World { control, tenant, path })
    }

    /// Its server.
    pub(super) fn server(&self) -> &Server {
        &self.control.server
    }

    /// Its tenant.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The app that a flag names, or that of the ready file or of the exported variables.
    pub(super) fn app(&self, named: Option<&String>) -> Result<String, String> {
        if let Some(app) = named {
            return Ok(app.clone());
        }
        let known = self.control.server.known()?.world.as_ref().filter(|world| !world.app_id.is_empty());
        Ok(known.ok_or("neither the ready file nor APP_ID names an app: pass --app")?.app_id.clone())
    }

    /// The `data` of the answer to a call; `more` is its path below the world's, with its query.
    pub(super) async fn call(&self, method: &str, more: &str, body: Option<Value>) -> Result<Value, String> {
        let answer = self.control.call(method, &format!("{}{more}", self.path), body).await;
        answer.map_err(|refused| refused.to_string())
    }

    /// As [`World::call`], with a form.
    pub(super) async fn upload(&self, more: &str, media: &str, form: Bytes) -> Result<Value, String> {
        let authorization = self.control.authorization();
        let sent = Sent { authorization: Some(&authorization), content_type: media, body: Some(form) };
        let answer = self.control.send("PUT", &format!("{}{more}", self.path), sent).await;
        answer.map_err(|refused| refused.to_string())
    }

    /// The bytes of an answer that is a file.
    pub(super) async fn download(&self, more: &str) -> Result<Bytes, String> {
        let authorization = self.control.authorization();
        let sent = Sent::json(Some(&authorization), None);
        let answer = self.control.fetch("GET", &format!("{}{more}", self.path), sent).await?;
        match answer.status {
            200 => Ok(answer.body),
            _ => data(&answer).map(|_| Bytes::new()).map_err(|refused| refused.to_string()),
        }
    }
}

/// A text as a part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
