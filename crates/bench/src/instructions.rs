//! Instruction counts of the hot handlers, from valgrind: independent of how busy the machine is.
//!
//! Runs a program that calls a handler N times, then one that calls it 2 N times; the difference divided by N is one
//! call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use larkspur_api::Settings;
use larkspur_api::tokens::{Holder, Token};
use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_server::{App, AppOptions, RateLimits, Request, TrafficOptions};
use larkspur_store::apps::{self, InstallSettings, Scopes};
use larkspur_store::{Engine, SystemClock, tenants};
use larkspur_store_sqlite::Sqlite;

use crate::Res;
use crate::product::{TAGS, create_body};

/// The accepted growth of a count.
const TOLERANCE: f64 = 0.10;

/// Options of the instruction counts.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Fail if a count grew by more than a tenth
    #[arg(long, conflicts_with = "accept")]
    check: bool,
    /// Write the counts down as the accepted ones
    #[arg(long)]
    accept: bool,
    /// How often to count; more than once shows how stable the counts are
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// The accepted counts
    #[arg(long, default_value = "crates/bench/instructions.json")]
    file: PathBuf,
}

/// A handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Handler {
    /// Query one tag, from memory
    Get1,
    /// Query one tag, from memory, while calls are recorded
    Get1Recorded,
    /// Query 40 tags, from memory
    Get40,
    /// Create a tag
    Create,
    /// Add a tab to a chat
    AddTab,
    /// Send a text to a chat
    Send,
    /// List the latest 20 messages of a chat
    ListMessages,
}

const HANDLERS: [Handler; 7] = [
    Handler::Get1,
    Handler::Get1Recorded,
    Handler::Get40,
    Handler::Create,
    Handler::AddTab,
    Handler::Send,
    Handler::ListMessages,
];

impl Handler {
    fn name(self) -> &'static str {
        match self {
            Handler::Get1 => "get1",
            Handler::Get1Recorded => "get1-recorded",
            Handler::Get40 => "get40",
            Handler::Create => "create",
            Handler::AddTab => "add-tab",
            Handler::Send => "send",
            Handler::ListMessages => "list-messages",
        }
    }

    /// Calls of the shorter program. Adding tabs needs twice as many chats, which cost more than the calls.
    fn calls(self) -> usize {
        match self {
            Handler::AddTab => 300,
            Handler::ListMessages => 200,
            _ => 1000,
        }
    }
}

/// Counts; then shows, checks or accepts the counts.
pub(crate) fn run(flags: &Flags) -> Res<()> {
    let mut counts = BTreeMap::new();
    println!("| handler | instructions | spread of {} | accepted |\n|---|---|---|---|", flags.repeat.max(1));
    let accepted = read(&flags.file);
    let mut grown = Vec::new();
    for handler in HANDLERS {
        let mut found = (0..flags.repeat.max(1)).map(|_| count(handler)).collect::<Res<Vec<u64>>>()?;
        found.sort_unstable();
        let (least, median, most) = (found[0], found[found.len() / 2], found[found.len() - 1]);
        let spread = (most - least) as f64 / median as f64;
        let before = accepted.get(handler.name()).copied();
        let growth = before.map(|before| median as f64 / before as f64 - 1.0);
        println!(
            "| {} | {median} | {:.2} % | {} |",
            handler.name(),
            spread * 100.0,
            before.zip(growth).map_or("none".to_owned(), |(b, g)| format!("{b} ({:+.1} %)", g * 100.0)),
        );
        if growth.is_none_or(|growth| growth > TOLERANCE) {
            grown.push(handler.name());
        }
        counts.insert(handler.name(), median);
    }
    if flags.accept {
        let text = serde_json::to_string_pretty(&counts)?;
        std::fs::write(&flags.file, format!("{text}\n"))?;
    }
    if flags.check && !grown.is_empty() {
        return Err(format!(
            "{} takes over {:.0} % more instructions than accepted. If that is wanted, say why in the commit and accept it: cargo xtask bench instructions --accept",
            grown.join(", "),
            TOLERANCE * 100.0
        )
        .into());
    }
    Ok(())
}

fn read(file: &Path) -> BTreeMap<String, u64> {
    std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn count(handler: Handler) -> Res<u64> {
    let calls = handler.calls();
    let (once, twice) = (total(handler, calls)?, total(handler, 2 * calls)?);
    Ok(twice.saturating_sub(once) / calls as u64)
}

fn total(handler: Handler, calls: usize) -> Res<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["workload", handler.name(), &calls.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind (apt-get install valgrind): {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    match number {
        Some(number) if output.status.success() => Ok(number),
        _ => Err(format!("valgrind counted nothing: {text}").into()),
    }
}

/// The program whose instructions are counted.
#[derive(Debug, Args)]
pub(crate) struct Workload {
    handler: Handler,
    calls: usize,
}

/// Calls a handler in process, on a store in memory, on one thread besides the store's own.
pub(crate) fn work(workload: &Workload) -> Res<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let lab = Lab::new(workload.handler == Handler::Get1Recorded).await?;
        let ids = lab.tags(40).await?;
        // The same number for every number of calls, so that only the calls differ.
        let chats = match workload.handler {
            Handler::AddTab => lab.chats(2 * Handler::AddTab.calls()).await?,
            Handler::Send | Handler::ListMessages => lab.chats(1).await?,
            _ => Vec::new(),
        };
        if workload.handler == Handler::ListMessages {
            for number in 0..40 {
                lab.say(&chats[0], number).await?;
            }
        }
        let query = |ids: &[String]| format!("ids={}", ids.join("&ids="));
        let (one, forty) = (query(&ids[..1]), query(&ids));
        // Fills the memory.
        lab.call("GET", TAGS, &forty, "").await?;
        for call in 0..workload.calls {
            match workload.handler {
                Handler::Get1 | Handler::Get1Recorded => lab.call("GET", TAGS, &one, "").await?,
                Handler::Get40 => lab.call("GET", TAGS, &forty, "").await?,
                Handler::Create => {
                    lab.call("POST", TAGS, "", &create_body(&format!("Bench tag {call:012}"))).await?
                }
                Handler::AddTab => {
                    let path = format!("/open-apis/im/v1/chats/{}/chat_tabs", chats[call % chats.len()]);
                    lab.call("POST", &path, "", TAB).await?
                }
                Handler::Send => lab.say(&chats[0], call).await?,
                Handler::ListMessages => {
                    let query = format!(
                        "container_id_type=chat&container_id={}&page_size=20&sort_type=ByCreateTimeDesc",
                        chats[0]
                    );
                    lab.call("GET", MESSAGES, &query, "").await?
                }
            };
        }
        Ok(())
    })
}

const MESSAGES: &str = "/open-apis/im/v1/messages";
const TAB: &str = r#"{"chat_tabs":[{"tab_name":"Wiki","tab_type":"url","tab_content":{"url":"https://example.com/wiki"}}]}"#;

/// The server in process, with an app and its token.
struct Lab {
    app: Arc<App>,
    authorization: String,
}

impl Lab {
    async fn new(recorded: bool) -> Res<Self> {
        let engine = Engine::open(Arc::new(Sqlite::memory()?), Arc::new(SystemClock), 64 << 20).await?;
        let (tenant, app_id) = (TenantKey(1), AppId(2));
        engine
            .run(Effect::Writes, move |root| {
                Box::pin(async move {
                    let app = apps::App {
                        app_id,
                        developer: tenant,
                        kind: AppKind::Custom,
                        name: "Bench".to_owned(),
                        secret_hash: String::new(),
                    };
                    apps::register(root, &app, 1).await?;
                    let mut tx = root.tenant(tenant);
                    tenants::insert(&mut tx, "Bench", 1).await?;
                    let settings = InstallSettings {
                        status: InstallStatus::Enabled,
                        bot: true,
                        external_sharing: false,
                        scopes: Scopes::new(larkspur_contract::scopes::ALL.iter().copied()),
                        visible_to: None,
                    };
                    apps::set_install(&mut tx, app_id, &settings).await
                })
            })
            .await?;
        let expires_at = engine.clock.now_ms() + larkspur_api::tokens::LIFE_MS;
        let token = Token { holder: Holder::Tenant, tenant, app: app_id, expires_at }.issue(&engine.keys);
        let traffic = recorded.then(TrafficOptions::default);
        let settings = Arc::new(Settings { chat_limit: false, ..Settings::default() });
        let options = AppOptions { rate_limits: RateLimits::Off, traffic, settings, ..AppOptions::default() };
        Ok(Lab { app: App::build(engine, options)?, authorization: format!("Bearer {token}") })
    }

    /// Sends a text to a chat.
    async fn say(&self, chat: &str, number: usize) -> Res<Bytes> {
        let body = format!(
            r#"{{"receive_id":"{chat}","msg_type":"text","content":"{{\"text\":\"Bench message {number:012}\"}}"}}"#
        );
        self.call("POST", MESSAGES, "receive_id_type=chat_id", &body).await
    }

    async fn call(&self, method: &str, path: &str, query: &str, body: &str) -> Res<Bytes> {
        let mut body = Bytes::copy_from_slice(body.as_bytes());
        let headers = vec![
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json; charset=utf-8"),
        ];
        let request = Request { method, path, query, headers: &headers, body: &mut body, peer: None };
        let response = self.app.handle(request).await;
        if response.status != 200 || !response.body.bytes().starts_with(br#"{"code":0,"#) {
            return Err(format!("{method} {path}: {}", String::from_utf8_lossy(response.body.bytes())).into());
        }
        Ok(response.body.bytes().clone())
    }

    async fn tags(&self, count: usize) -> Res<Vec<String>> {
        let mut ids = Vec::new();
        for number in 0..count {
            let body = self.call("POST", TAGS, "", &create_body(&format!("Fixed tag {number:012}"))).await?;
            ids.push(text(&body, "/data/id")?);
        }
        Ok(ids)
    }

    async fn chats(&self, count: usize) -> Res<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let body = self.call("POST", "/open-apis/im/v1/chats", "", r#"{"name":"Bench"}"#).await?;
            ids.push(text(&body, "/data/chat_id")?);
        }
        Ok(ids)
    }
}

fn text(body: &[u8], pointer: &str) -> Res<String> {
    let value: serde_json::Value = serde_json::from_slice(body)?;
    Ok(value.pointer(pointer).and_then(|id| id.as_str()).ok_or_else(|| format!("no {pointer}"))?.to_owned())
}
