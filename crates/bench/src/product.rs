//! The server under test: the release program as a child process, and the requests for it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Res;
use crate::load::{Script, UNIQUE_DIGITS};
use crate::process::{self, Answer, Process, call, request};

/// The locations of a run's programs and data.
pub(crate) struct Place {
    /// The program under test.
    pub(crate) server: PathBuf,
    /// Everything that the run writes is below it.
    pub(crate) directory: PathBuf,
    /// Directories made there, deleted when this is dropped.
    pub(crate) made: Mutex<Vec<PathBuf>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        for path in self.made.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(std::fs::remove_dir_all(path));
        }
    }
}

impl Place {
    /// A new directory of this name.
    pub(crate) fn fresh(&self, name: &str) -> Res<PathBuf> {
        let path = self.directory.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Ok(path)
    }

    /// A copy of a store whose server has stopped.
    pub(crate) fn copy_of(&self, store: &Path, name: &str) -> Res<PathBuf> {
        let to = self.fresh(name)?;
        for file in std::fs::read_dir(store)? {
            let file = file?;
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
        Ok(to)
    }
}

/// A world whose app is subscribed to no events, so that what is measured writes none.
const QUIET: &str = r#"{"events":{"request_url":""}}"#;

/// A tenant with an app.
pub(crate) struct World {
    tenant_key: String,
    pub(crate) app_id: String,
    pub(crate) app_secret: String,
    /// A token of the app.
    pub(crate) token: String,
}

impl World {
    /// Its tenant.
    pub(crate) fn tenant_key(&self) -> &str {
        &self.tenant_key
    }
}

/// A running server with a token for its demo app.
pub(crate) struct Product {
    pub(crate) process: Process,
    pub(crate) token: String,
    control_key: String,
}

impl Product {
    /// Starts the server on a store, pinned to a processor or not, and signs in.
    pub(crate) fn start(place: &Place, store: &Path, processor: Option<usize>) -> Res<Self> {
        Self::with_settings(place, store, processor, &[])
    }

    /// As [`Product::start`], with settings as environment variables.
    pub(crate) fn with_settings(
        place: &Place,
        store: &Path,
        processor: Option<usize>,
        settings: &[(&str, &str)],
    ) -> Res<Self> {
        let (process, facts) =
            boot(&place.server, store, processor, settings, [OsStr::new("--data"), store.as_os_str()])?;
        Self::signed_in(process, &facts)
    }

    /// Starts the server on an empty PostgreSQL database, and signs in.
    pub(crate) fn on_database(place: &Place, url: &str, name: &str, connections: usize) -> Res<Self> {
        let (process, facts) = boot_on_database(place, url, name, connections)?;
        Self::signed_in(process, &facts)
    }

    /// Starts another server on the database of this one.
    pub(crate) fn beside(&self, place: &Place, url: &str, name: &str, connections: usize) -> Res<Self> {
        let (process, facts) = boot_on_database(place, url, name, connections)?;
        let control_key = text(&facts, "control_key")?;
        Ok(Product { process, token: self.token.clone(), control_key })
    }

    fn signed_in(process: Process, facts: &serde_json::Value) -> Res<Self> {
        let token = sign_in(process.address, facts)?;
        Ok(Product { process, token, control_key: text(facts, "control_key")? })
    }

    /// Creates worlds, and returns a token for each.
    pub(crate) fn worlds(&self, count: usize) -> Res<Vec<String>> {
        (0..count).map(|_| Ok(self.world(false)?.token)).collect()
    }

    /// Creates a world whose app is subscribed to all events by long connection, or to none.
    pub(crate) fn world(&self, subscribed: bool) -> Res<World> {
        let body = if subscribed { "{}" } else { QUIET };
        let world = self.control("POST", "/larkspur/v1/worlds", body)?;
        Ok(World {
            tenant_key: text(&world, "tenant_key")?,
            app_id: text(&world, "app_id")?,
            app_secret: text(&world, "app_secret")?,
            token: sign_in(self.process.address, &world)?,
        })
    }

    /// Creates another app of a world; its id and its secret.
    pub(crate) fn app(&self, world: &World) -> Res<(String, String)> {
        let app = self.control("POST", &format!("/larkspur/v1/worlds/{}/apps", world.tenant_key), "{}")?;
        Ok((text(&app, "app_id")?, text(&app, "app_secret")?))
    }

    /// The data of a call of the control API.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Res<serde_json::Value> {
        let body = Some(body).filter(|body| !body.is_empty());
        let mut answer = self.call(&request(method, path, Some(&self.control_key), body))?.json()?;
        if answer["data"].is_null() {
            return Err(format!("{method} {path}: {answer}").into());
        }
        Ok(answer["data"].take())
    }

    /// Creates a chat of the app, and returns its id.
    pub(crate) fn make_chat(&self, token: &str) -> Res<String> {
        let answer = self.call(&request("POST", CHATS, Some(token), Some(r#"{"name":"Bench chat"}"#)))?;
        text(&answer.json()?["data"], "chat_id")
    }

    /// Sends a text to a chat of the demo app, and returns the message's id.
    pub(crate) fn say(&self, chat: &str, words: &str) -> Res<String> {
        let path = format!("{MESSAGES}?receive_id_type=chat_id");
        let request = request("POST", &path, Some(&self.token), Some(&text_to(chat, words)));
        text(&self.call(&request)?.json()?["data"], "message_id")
    }

    /// A value of the server's metrics.
    pub(crate) fn counter(&self, name: &str) -> Res<f64> {
        let answer = self.call(&request("GET", "/larkspur/metrics", Some(&self.control_key), None))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.ok_or_else(|| format!("no metric {name}"))?.trim().parse()?)
    }

    /// Creates tags, one request each, and returns their ids.
    pub(crate) fn make_tags(&self, count: usize) -> Res<Vec<i64>> {
        (0..count)
            .map(|number| self.make_tag(&self.token, &create_body(&format!("Fixed tag {number:012}"))))
            .collect()
    }

    /// Creates a tag, and returns its id.
    pub(crate) fn make_tag(&self, token: &str, body: &str) -> Res<i64> {
        let answer = self.call(&request("POST", TAGS, Some(token), Some(body)))?.json()?;
        Ok(answer["data"]["id"].as_str().ok_or_else(|| format!("no tag was made: {answer}"))?.parse()?)
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn call(&self, request: &[u8]) -> Res<Answer> {
        call(self.process.address, request)
    }
}

/// Starts the server, waits for its ready file, and returns the file.
fn boot<'a>(
    server: &Path,
    folder: &Path,
    processor: Option<usize>,
    settings: &[(&str, &str)],
    store: impl IntoIterator<Item = &'a OsStr>,
) -> Res<(Process, serde_json::Value)> {
    let ready = folder.join("bench-ready.json");
    drop(std::fs::remove_file(&ready));
    let child = process::tied(server, processor)
        .args(["serve", "--listen", "127.0.0.1:0", "--rate-limits", "off"])
        .args(store)
        .arg("--ready-file")
        .arg(&ready)
        // Calls are recorded where that is measured alone.
        .env("LARKSPUR_TRAFFIC_RECORD", "off")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start the server: {error}"))?;
    // The child is also stopped if one of the next steps fails; the address comes later.
    let mut process = Process::of(child, SocketAddr::from(([127, 0, 0, 1], 0)));
    let begun = Instant::now();
    let facts: serde_json::Value = loop {
        if let Ok(text) = std::fs::read(&ready) {
            break serde_json::from_slice(&text)?;
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("the server wrote no ready file".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    process.address = text(&facts, "base_url")?.trim_start_matches("http://").parse()?;
    Ok((process, facts))
}

fn boot_on_database(
    place: &Place,
    url: &str,
    name: &str,
    connections: usize,
) -> Res<(Process, serde_json::Value)> {
    let connections = connections.to_string();
    let settings = [("LARKSPUR_POSTGRES_CONNECTIONS", connections.as_str())];
    boot(&place.server, &place.fresh(name)?, None, &settings, [OsStr::new("--store"), OsStr::new(url)])
}

fn text(facts: &serde_json::Value, name: &str) -> Res<String> {
    Ok(facts[name].as_str().ok_or_else(|| format!("there is no {name}"))?.to_owned())
}

/// A token for the app of a world.
fn sign_in(address: SocketAddr, world: &serde_json::Value) -> Res<String> {
    let (id, secret) = (text(world, "app_id")?, text(world, "app_secret")?);
    let body = serde_json::json!({"app_id": id, "app_secret": secret}).to_string();
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let answer = call(address, &request("POST", path, None, Some(&body)))?.json()?;
    Ok(answer["tenant_access_token"].as_str().ok_or("no token")?.to_owned())
}

/// The path of the chats.
const CHATS: &str = "/open-apis/im/v1/chats";
/// The path of the tags.
pub(crate) const TAGS: &str = "/open-apis/im/v2/tags";

/// How every good answer begins.
const GOOD: &[u8] = br#"{"code":0,"#;

/// The path of the messages.
pub(crate) const MESSAGES: &str = "/open-apis/im/v1/messages";

/// Texts sent to these chats in turn, each a text of its own.
pub(crate) fn sending(token: &str, chats: &[String]) -> Res<Script> {
    let path = format!("{MESSAGES}?receive_id_type=chat_id");
    let requests = chats.iter().map(|chat| {
        request("POST", &path, Some(token), Some(&text_to(chat, &format!("Bench message {MARK}"))))
    });
    unique(requests, GOOD)
}

fn text_to(chat: &str, text: &str) -> String {
    format!(r#"{{"receive_id":"{chat}","msg_type":"text","content":"{{\"text\":\"{text}\"}}"}}"#)
}

/// A query for tags by id.
pub(crate) fn get_tags(token: &str, ids: &[i64]) -> Vec<u8> {
    let pairs: Vec<String> = ids.iter().map(|id| format!("ids={id}")).collect();
    request("GET", &format!("{TAGS}?{}", pairs.join("&")), Some(token), None)
}

/// Reads of these requests.
pub(crate) fn reading(requests: Vec<Vec<u8>>) -> Script {
    Script { requests, unique: None, expects: GOOD }
}

/// Creations of tags with new names.
pub(crate) fn creating(token: &str) -> Res<Script> {
    creating_by([(token, "Bench")])
}

/// As [`creating`], each request with a token and a first word of its own; all have the same length.
pub(crate) fn creating_by<'a>(of: impl IntoIterator<Item = (&'a str, &'a str)>) -> Res<Script> {
    let requests = of.into_iter().map(|(token, word)| {
        request("POST", TAGS, Some(token), Some(&create_body(&format!("{word} tag {MARK}"))))
    });
    // A success without an id would be a name that is taken.
    unique(requests, br#"{"code":0,"msg":"success","data":{"id":"#)
}

/// Renames of these chats, each to a new name.
pub(crate) fn renaming(token: &str, chats: &[String]) -> Res<Script> {
    let body = format!(r#"{{"name":"{CHAT_NAME}{MARK}"}}"#);
    let requests =
        chats.iter().map(|chat| request("PUT", &format!("{CHATS}/{chat}"), Some(token), Some(&body)));
    unique(requests, GOOD)
}

/// How the names of chats begin that are renamed; digits follow.
pub(crate) const CHAT_NAME: &str = "Bench chat ";

/// What stands in a request where its digits go.
const MARK: &str = "000000000000";
const _: () = assert!(MARK.len() == UNIQUE_DIGITS, "the mark has as many digits");

/// Requests of the same length that differ each time, in their last [`MARK`].
fn unique(requests: impl Iterator<Item = Vec<u8>>, expects: &'static [u8]) -> Res<Script> {
    let (mut all, mut unique) = (Vec::new(), None);
    for bytes in requests {
        let at = bytes.windows(UNIQUE_DIGITS).rposition(|part| part == MARK.as_bytes()).ok_or("no mark")?;
        if *unique.get_or_insert(at) != at {
            return Err("requests of different lengths".into());
        }
        all.push(bytes);
    }
    Ok(Script { requests: all, unique, expects })
}

/// The body of a creation: about 170 bytes.
pub(crate) fn create_body(name: &str) -> String {
    format!(
        r#"{{"create_tag":{{"tag_type":"tenant","name":"{name}","i18n_names":[{{"locale":"zh_cn","name":"标签 标签"}},{{"locale":"en_us","name":"Bench tag, in English"}}]}}}}"#
    )
}
