//! The drivers against each other: the same sequence gives the same answers, byte for byte, and leaves the same rows.
//!
//! The model checks the essentials of an answer; this checks all of it: texts, violations, headers, and rows that no
//! answer shows.

use std::sync::Arc;

use larkspur_store::tenants::TABLES;
use larkspur_store::{Driver, Value as Cell};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::Random;
use larkspur_testkit::Reply;
use larkspur_testkit::model::Op;
use larkspur_testkit::postgres::{Tables, database};
use larkspur_testkit::reading;
use serde_json::{Map, Value, json};

use super::real::Real;
use super::{Counts, Outcome, Step, asked_for, drawn, pause, sequence};

/// The default, unless the environment variable `TEST_SEQUENCES` is set.
const SEQUENCES: u64 = 2;

/// The lists whose order depends on drawn ids. The model checks the rest of their order.
const UNORDERED: [&str; 6] =
    ["items", "members", "user_manager_id_list", "bot_manager_id_list", "chat_managers", "chat_bot_managers"];

/// The permitted differences between two stores with the same content.
///
/// Ids that the model names are replaced with its names. Other drawn ids, hashes and numbers derived from the time and
/// the node are ignored, as are the log id of an answer and the page token, which is sealed with the store's key.
impl Real {
    /// All answers to an operation, merged.
    fn plain_answers(&self) -> Value {
        let mut items = Vec::new();
        let mut pages: Vec<Value> = self.heard.iter().map(|reply| self.plain_reply(reply)).collect();
        for page in &mut pages {
            if let Some(Value::Array(some)) = page["body"]["data"].get_mut("items").map(Value::take) {
                items.extend(some);
            }
        }
        sort(&mut items);
        json!({"pages": pages, "items": items})
    }

    fn plain_reply(&self, reply: &Reply) -> Value {
        let response = &reply.response;
        let mut body = self.plain(&reply.json());
        if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
            assert!(
                error.remove("log_id").is_some()
                    && (error.remove("troubleshooter").is_some() || error.contains_key("helps")),
                "{error:?}"
            );
        }
        json!({
            "status": response.status, "type": response.content_type, "retry": response.retry,
            "location": response.location, "body": body,
        })
    }

    fn plain(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.plain_text(text)),
            Value::Array(list) => list.iter().map(|item| self.plain(item)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(name, value)| self.member(name, value)).collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn member(&self, name: &str, value: &Value) -> (String, Value) {
        let mut plain = self.plain(value);
        match &mut plain {
            Value::Array(list) if UNORDERED.contains(&name) => sort(list),
            Value::String(text) if name == "page_token" && !text.is_empty() => "<sealed>".clone_into(text),
            _ => {}
        }
        (name.to_owned(), plain)
    }

    /// A text with ids replaced by the model's names.
    fn plain_text(&self, text: &str) -> String {
        if let Some(name) = self.name(text) {
            return name.to_owned();
        }
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len()).max(first.len_utf8());
            let (word, after) = rest.split_at(end);
            plain.push_str(self.name(word).unwrap_or_else(|| if is_drawn(word) { "<drawn>" } else { word }));
            rest = after;
        }
        plain
    }

    fn plain_cell(&self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => match serde_json::from_str::<Value>(text) {
                Ok(value @ (Value::Array(_) | Value::Object(_))) => self.plain(&value).to_string(),
                _ => format!("{:?}", pair_in_order(&self.plain_text(text))),
            },
            Cell::Int(number) => self.plain_text(&number.to_string()),
            other => format!("{other:?}"),
        }
    }

    /// The content of a store, one line per row.
    async fn plain_rows(&self, driver: &Arc<dyn Driver>) -> Vec<String> {
        let mut lines = Vec::new();
        // The lines of a snapshot have the order of ids that are drawn; that they are the same rows is tested by restores.
        for table in TABLES.iter().filter(|table| **table != "snapshot_part") {
            for row in reading::rows(driver, format!("SELECT * FROM {table}"), Vec::new()).await {
                let cells: Vec<String> = row.iter().map(|cell| self.plain_cell(cell)).collect();
                lines.push(format!("{table}: {}", cells.join(", ")));
            }
        }
        lines.sort();
        lines
    }
}

/// Two ids in one text, such as the parties of a chat, are sorted by the drawn ids: sort them by their names instead.
fn pair_in_order(text: &str) -> String {
    match text.split_once(' ') {
        Some((one, other)) if one.starts_with('<') && other.starts_with('<') && other < one => {
            format!("{other} {one}")
        }
        _ => text.to_owned(),
    }
}

/// Whether a word looks like an id, a hash or a secret: no name, text or time of the sequences does.
///
/// Of the drawn words of 24 characters and more, such as the id of a document, a few consist of letters only.
fn is_drawn(word: &str) -> bool {
    word.len() >= 16 && word.bytes().any(|byte| byte.is_ascii_digit())
        || word.len() >= 24 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn sort(list: &mut [Value]) {
    list.sort_by_cached_key(Value::to_string);
}

/// The first difference between two lists of lines.
fn difference(one: &[String], other: &[String]) -> Option<String> {
    let only = |some: &[String], all: &[String]| some.iter().find(|line| !all.contains(line)).cloned();
    (one != other).then(|| format!("{:?}\n{:?}", only(one, other), only(other, one)))
}

async fn compare(steps: &[Step]) -> Outcome {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let drivers = [sqlite, database(Tables::Plain).await, database(Tables::Partitioned).await];
    let mut model = None;
    let mut reals = Vec::new();
    for driver in &drivers {
        let (real, same) = Real::open(driver.clone()).await;
        reals.push(real);
        model = Some(same);
    }
    let mut model = model.expect("a model for each");
    for (place, step) in steps.iter().enumerate() {
        model.now += step.pause;
        let expected = model.apply(step.number, &step.op);
        let mut answers = Vec::new();
        for (real, driver) in reals.iter_mut().zip(&drivers) {
            pause(real, step.pause).await;
            let told = real.check(&step.op, &expected).await;
            told.map_err(|why| (place, format!("{}: {why}", driver.name())))?;
            real.learn_of(step, &expected, &model).await;
            answers.push(real.plain_answers());
        }
        for (answer, driver) in answers.iter().zip(&drivers) {
            if *answer != answers[0] {
                return Err((place, format!("sqlite: {}\n{}: {answer}", answers[0], driver.name())));
            }
        }
    }
    let held = reals[0].plain_rows(&drivers[0]).await;
    assert!(held.len() > 100, "these are not all rows: {held:?}");
    for (real, driver) in reals.iter().zip(&drivers).skip(1) {
        if let Some(lines) = difference(&held, &real.plain_rows(driver).await) {
            return Err((steps.len(), format!("rows of sqlite and {}: {lines}", driver.name())));
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_drivers_answer_alike_and_keep_the_same() {
    let mut random = Random::seeded("drivers");
    for number in 0..asked_for(SEQUENCES) {
        println!("sequence {number}");
        let steps = drawn(&mut Random::from(random.number()), &mut Counts::default());
        sequence(&steps, compare).await;
    }
}

/// Checks that the comparison detects differences.
#[tokio::test]
async fn a_row_that_differs_is_seen() {
    let mut held = Vec::new();
    for name in ["one", "one", "two"] {
        let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
        let (mut real, mut model) = Real::open(driver.clone()).await;
        let op =
            Op::CreateTag { app: 0, kind: "tenant".to_owned(), name: name.to_owned(), names: Vec::new() };
        real.check(&op, &model.apply(100, &op)).await.expect("as the model says");
        held.push((real.plain_rows(&driver).await, real.plain_answers().to_string()));
    }
    assert_eq!(difference(&held[0].0, &held[1].0), None);
    assert_eq!(held[0].1, held[1].1);
    let found = difference(&held[0].0, &held[2].0).expect("a difference");
    assert!(found.contains("one") && found.contains("two"), "{found}");
}
