//! Messages: what a durable one costs beside a tag, and pages of chats and threads in stores of several sizes.

use std::time::Instant;

use super::lists::{Kind, Store, by_store, deep, got, kind};
use super::{Contender, Run, announce, load_row, quiet, ratio, take_turns};
use crate::Res;
use crate::filled::Filled;
use crate::load::{Measured, Plan};
use crate::multiplied::{self, Database};
use crate::process::request;
use crate::product::{MESSAGES, Product, creating, sending};
use crate::report::Table;
use crate::stats::Goal;

/// Clients that send.
const CLIENTS: usize = 64;
/// Chats that they send to in turn.
const CHATS: usize = 64;
/// A load may send more messages to a chat than the platform allows.
const SETTINGS: [(&str, &str); 1] = [("LARKSPUR_BEHAVIOURS_CHAT_LIMIT", "false")];

/// Sends beside creations of tags, then the lists on SQLite.
pub(crate) fn measure(run: &Run, table: &mut Table) -> Res<()> {
    sends(run, table)?;
    lists(run, table)
}

fn sends(run: &Run, table: &mut Table) -> Res<()> {
    announce("messages beside tags");
    let store = run.place.fresh("messages")?;
    let product = Product::with_settings(&run.place, &store, None, &SETTINGS)?;
    let world = product.world(false)?;
    let chats = (0..CHATS).map(|_| product.make_chat(&world.token)).collect::<Res<Vec<_>>>()?;
    let pid = product.process.pid();
    let plan = |script| {
        vec![Plan { address: product.process.address, connections: CLIENTS, script, processor: None }]
    };
    let mut contenders = [
        Contender::load("tags", plan(creating(&world.token)?), pid, run.times),
        Contender::load("messages", plan(sending(&world.token, &chats)?), pid, run.times),
    ];
    let turns = take_turns(run.rounds, &mut contenders)?;
    let [tags, messages] = turns.as_slice() else { return Err("two contenders".into()) };
    table.section(format!("Durable messages by {CLIENTS} clients to {CHATS} chats, no app subscribed"));
    table.row(load_row("creates of tags", tags));
    let cost = ratio(messages, tags, Measured::cpu_us, Measured::cpu_us);
    table.row(
        load_row("**messages with a text**", messages)
            .against("CPU of a message / of a tag", cost)
            .should_be(Goal::Below(2.0), quiet(&[tags, messages])),
    );
    product.process.end()
}

/// Fills a store of each size and measures them in turn.
fn lists(run: &Run, table: &mut Table) -> Res<()> {
    let (mut stores, mut folders) = (Vec::new(), Vec::new());
    for &count in &run.messages {
        announce(&format!("a store of {count} messages"));
        let store = run.place.fresh(&format!("messages-{count}"))?;
        let first = Product::start(&run.place, &store, None)?;
        let patterns = Patterns::send(&first)?;
        first.process.end()?;
        let begun = Instant::now();
        let database = multiplied::Sqlite::open(&store)?;
        let filled = patterns.multiply(&database, count)?;
        database.settle()?;
        eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
        let product = Product::start(&run.place, &store, None)?;
        let group = product.process.pid().into();
        stores.push(Store { count, product, group, filled, ids: Vec::new() });
        folders.push(store);
    }
    by_store(run, table, &stores, &kinds(), &title, |name, rounds| load_row(name, rounds))?;
    for (store, folder) in stores.into_iter().zip(folders) {
        store.product.process.end()?;
        drop(std::fs::remove_dir_all(folder));
    }
    Ok(())
}

/// The title of a section.
pub(super) fn title(count: u64) -> String {
    format!("Messages: {count} in the tenant, half of them in one chat, a quarter in one thread")
}

/// The messages that are copied.
pub(super) struct Patterns {
    chat: String,
    other: String,
    thread: String,
}

impl Patterns {
    /// Sends one to a chat, one to another, and one in a thread.
    pub(super) fn send(product: &Product) -> Res<Self> {
        let chats = [product.make_chat(&product.token)?, product.make_chat(&product.token)?];
        let [chat, other] = chats;
        let said = product.say(&chat, "First")?;
        product.say(&other, "Elsewhere")?;
        let body = r#"{"msg_type":"text","content":"{\"text\":\"In a thread\"}","reply_in_thread":true}"#;
        let path = format!("{MESSAGES}/{said}/reply");
        let answer = product.call(&request("POST", &path, Some(&product.token), Some(body)))?.json()?;
        let thread = answer["data"]["thread_id"].as_str().ok_or_else(|| format!("no thread: {answer}"))?;
        Ok(Patterns { chat, other, thread: thread.to_owned() })
    }

    /// Copies them until the tenant has `count` messages.
    pub(super) fn multiply(self, database: &impl Database, count: u64) -> Res<Filled> {
        multiplied::messages(database, [&self.chat, &self.other], count)?;
        Ok(Filled { large: self.chat, small: self.thread })
    }
}

/// The requests that are measured on every kind of store.
pub(super) fn kinds() -> [Kind; 6] {
    let chat = |store: &Store, order: &str| {
        format!(
            "{MESSAGES}?container_id_type=chat&container_id={}&page_size=20&sort_type={order}",
            store.filled.large
        )
    };
    let thread = |store: &Store| {
        format!(
            "{MESSAGES}?container_id_type=thread&container_id={}&page_size=20&sort_type=ByCreateTimeDesc",
            store.filled.small
        )
    };
    [
        kind("a chat, the oldest first", move |store| full(store, &chat(store, "ByCreateTimeAsc"))),
        kind("a chat, the newest first", move |store| full(store, &chat(store, "ByCreateTimeDesc"))),
        kind("a chat, behind 40 pages", move |store| deep(store, &chat(store, "ByCreateTimeDesc"))),
        kind("a thread, the newest first", move |store| full(store, &thread(store))),
        kind("a thread, behind 40 pages", move |store| deep(store, &thread(store))),
        kind("one message", move |store| {
            got(store, &format!("{MESSAGES}/{}", newest(store, &chat(store, "ByCreateTimeDesc"))?))
        }),
    ]
}

/// A load of one request for a page, which is full.
fn full(store: &Store, path: &str) -> Res<crate::load::Script> {
    let answer = store.product.call(&request("GET", path, Some(&store.product.token), None))?.json()?;
    match answer["data"]["items"].as_array().map(Vec::len) {
        Some(20) => got(store, path),
        _ => Err(format!("{path}: {answer}").into()),
    }
}

fn newest(store: &Store, path: &str) -> Res<String> {
    let answer = store.product.call(&request("GET", path, Some(&store.product.token), None))?.json()?;
    let id = answer["data"]["items"][0]["message_id"].as_str();
    Ok(id.ok_or_else(|| format!("{path}: {answer}"))?.to_owned())
}
