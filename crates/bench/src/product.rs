//! The server under test: the release program as a child process, and the requests that are sent to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Res;
use crate::load::{Script, UNIQUE_DIGITS};
use crate::process::{self, Answer, Process, call, request};

/// Where the programs and the data of a run are.
pub(crate) struct Place {
    /// The program under test.
    pub(crate) server: PathBuf,
    /// Everything that the run writes is below this.
    pub(crate) directory: PathBuf,
    /// What was made there, and goes with this value.
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
    /// A fresh directory of this name.
    pub(crate) fn fresh(&self, name: &str) -> Res<PathBuf> {
        let path = self.directory.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Ok(path)
    }

    /// A copy of a store whose server has ended.
    pub(crate) fn copy_of(&self, store: &Path, name: &str) -> Res<PathBuf> {
        let to = self.fresh(name)?;
        for file in std::fs::read_dir(store)? {
            let file = file?;
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
        Ok(to)
    }
}

/// A running server with a token for its demo app.
pub(crate) struct Product {
    pub(crate) process: Process,
    pub(crate) token: String,
}

impl Product {
    /// Starts the server on a store, tied to a processor or not, and signs in.
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
        let ready = store.join("bench-ready.json");
        drop(std::fs::remove_file(&ready));
        let child = process::tied(&place.server, processor)
            .args(["serve", "--listen", "127.0.0.1:0", "--rate-limits", "off", "--data"])
            .arg(store)
            .arg("--ready-file")
            .arg(&ready)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        // Ended with this value also when one of the next steps fails; the address comes later.
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
        let fact = |name: &str| facts[name].as_str().ok_or_else(|| format!("the ready file has no {name}"));
        process.address = fact("base_url")?.trim_start_matches("http://").parse()?;
        let body =
            serde_json::json!({"app_id": fact("app_id")?, "app_secret": fact("app_secret")?}).to_string();
        let path = "/open-apis/auth/v3/tenant_access_token/internal";
        let answer = call(process.address, &request("POST", path, None, Some(&body)))?.json()?;
        let token = answer["tenant_access_token"].as_str().ok_or("no token")?.to_owned();
        Ok(Product { process, token })
    }

    /// Makes tags, one request each, and returns their ids.
    pub(crate) fn make_tags(&self, count: usize) -> Res<Vec<i64>> {
        (0..count)
            .map(|number| {
                let body = create_body(&format!("Fixed tag {number:012}"));
                let answer = self.call(&request("POST", TAGS, Some(&self.token), Some(&body)))?.json()?;
                Ok(answer["data"]["id"]
                    .as_str()
                    .ok_or_else(|| format!("no tag was made: {answer}"))?
                    .parse()?)
            })
            .collect()
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn call(&self, request: &[u8]) -> Res<Answer> {
        call(self.process.address, request)
    }
}

/// The path of the tags.
pub(crate) const TAGS: &str = "/open-apis/im/v2/tags";

/// How every good answer about tags begins.
const GOOD: &[u8] = br#"{"code":0,"#;

/// A query for tags by id.
pub(crate) fn get_tags(token: &str, ids: &[i64]) -> Vec<u8> {
    let pairs: Vec<String> = ids.iter().map(|id| format!("ids={id}")).collect();
    request("GET", &format!("{TAGS}?{}", pairs.join("&")), Some(token), None)
}

/// Reads of these requests.
pub(crate) fn reading(requests: Vec<Vec<u8>>) -> Script {
    Script { requests, unique: None, expects: GOOD }
}

/// Creations of tags with names that were never used.
pub(crate) fn creating(token: &str) -> Res<Script> {
    let mark = "0".repeat(UNIQUE_DIGITS);
    let bytes = request("POST", TAGS, Some(token), Some(&create_body(&format!("Bench tag {mark}"))));
    let unique = bytes.windows(UNIQUE_DIGITS).rposition(|part| part == mark.as_bytes()).ok_or("no mark")?;
    // A success without an id would be a name that was taken.
    let expects = br#"{"code":0,"msg":"success","data":{"id":"#;
    Ok(Script { requests: vec![bytes], unique: Some(unique), expects })
}

/// The body of a creation: about 170 bytes.
pub(crate) fn create_body(name: &str) -> String {
    format!(
        r#"{{"create_tag":{{"tag_type":"tenant","name":"{name}","i18n_names":[{{"locale":"zh_cn","name":"标签 标签"}},{{"locale":"en_us","name":"Bench tag, in English"}}]}}}}"#
    )
}
