use std::path::PathBuf;

use clap::{Args, Subcommand};
use larkspur_control::seeds;
use serde_json::{Value, json};

use super::form::form;
use super::in_world::{Where, World, encoded};
use super::json::indented;
use super::seed::{self, Seed};
use super::terminal::{fit, width};

/// Flags of `larkspur world`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the worlds
    List(List),
    /// Make a world
    New(New),
    /// Make a world of another one, with new IDs
    Clone(Clone),
    /// Save the state of a world, list what was saved, or delete it
    Snapshot(Snapshot),
    /// Put a world back to a snapshot
    Restore(Restore),
    /// Put a world back to the state that it was made with
    Reset(Reset),
    /// Show the clock of a world, or move it
    Clock(Clock),
    /// Show what differs between two states of a world
    Diff(Diff),
    /// Load a seed into the world of its name, which is made if there is none
    Apply(Apply),
    /// Print the JSON Schema of seeds, for editors
    Schema,
    /// Delete a world
    Delete(Delete),
}

/// What every subcommand takes.
#[derive(Args)]
struct Common {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Apply {
    /// Seed: YAML or JSON
    file: PathBuf,
    /// Delete what is in the world before
    #[arg(long)]
    replace: bool,
    /// Check the seed and keep nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct New {
    /// Name, for people
    #[arg(default_value = "world")]
    name: String,
    /// Make it without an app, users and a chat
    #[arg(long)]
    empty: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Clone {
    /// Name of the new world, for people
    #[arg(default_value = "world")]
    name: String,
    /// Snapshot to make it of [default: the present state]
    #[arg(long, value_name = "NAME")]
    snapshot: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Snapshot {
    /// Name to save the state as [default: list the snapshots]
    name: Option<String>,
    /// Note, for people
    #[arg(long, requires = "name", conflicts_with_all = ["delete", "to", "from"])]
    note: Option<String>,
    /// Delete the snapshot
    #[arg(long, requires = "name", conflicts_with_all = ["to", "from"])]
    delete: bool,
    /// Write the snapshot to a file
    #[arg(long, requires = "name", value_name = "FILE", conflicts_with = "from")]
    to: Option<PathBuf>,
    /// Save a file as the snapshot
    #[arg(long, requires = "name", value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Restore {
    /// Snapshot
    name: String,
    /// Leave the clock as it is
    #[arg(long)]
    keep_clock: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Reset {
    /// start, empty, or a snapshot
    #[arg(long, default_value = "start")]
    to: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Clock {
    /// How far to move it, such as +2h, -30m or +1d, or 0 for the real time [default: show it]
    #[arg(allow_hyphen_values = true)]
    by: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Diff {
    /// Earlier state: a snapshot, or now
    a: String,
    /// Later state: a snapshot, or now
    #[arg(default_value = "now")]
    b: String,
    /// The most rows to list
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=1000))]
    limit: u16,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Delete {
    /// Tenant of the world to delete
    key: String,
    #[command(flatten)]
    common: Common,
}

/// Shows and changes worlds; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match &flags.command {
            Command::List(flags) => list(flags).await,
            Command::New(flags) => {
                let template = if flags.empty { "empty" } else { "demo" };
                made(&flags.common, json!({"name": flags.name, "template": template})).await
            }
            Command::Clone(flags) => {
                let world = World::find(&flags.common.place)?;
                let mut from = json!({"world": world.tenant()});
                if let Some(snapshot) = &flags.snapshot {
                    from["snapshot"] = json!(snapshot);
                }
                made(&flags.common, json!({"name": flags.name, "from": from})).await
            }
            Command::Snapshot(flags) => snapshot(flags).await,
            Command::Restore(flags) => {
                let clock = if flags.keep_clock { "keep" } else { "snapshot" };
                let path = format!("/snapshots/{}/restore", encoded(&flags.name));
                put_back(&flags.common, &path, json!({"clock": clock})).await
            }
            Command::Reset(flags) => put_back(&flags.common, "/reset", json!({"to": flags.to})).await,
            Command::Clock(flags) => clock(flags).await,
            Command::Diff(flags) => diff(flags).await,
            Command::Apply(flags) => apply(flags).await,
            Command::Schema => super::print(&format!("{:#}\n", seeds::schema())),
            Command::Delete(flags) => {
                of_worlds(&flags.common, "DELETE", &format!("/{}", encoded(&flags.key)), None).await.map(drop)
            }
        }
    })
}

impl Common {
    /// Prints an answer as JSON, or as lines that fit the terminal.
    fn show(&self, answer: &Value, lines: impl FnOnce(&Value) -> Vec<String>) -> Result<(), String> {
        if self.json {
            let text = answer.to_string();
            return super::print(&format!("{}\n", indented(text.as_bytes()).unwrap_or(text)));
        }
        let width = width();
        for line in lines(answer) {
            super::print(&format!("{}\n", fit(&line, width)))?;
        }
        Ok(())
    }
}

/// The `data` of the answer to a call that concerns all worlds, or the one that `more` names.
async fn of_worlds(common: &Common, method: &str, more: &str, body: Option<Value>) -> Result<Value, String> {
    let answer = common.place.control()?.call(method, more, body).await;
    answer.map_err(|refused| refused.to_string())
}

async fn apply(flags: &Apply) -> Result<(), String> {
    let seed = Seed::read(&flags.file)?;
    let applied = seed::apply(&seed, &flags.common.place, (flags.replace, flags.dry_run)).await?;
    if flags.common.json {
        return flags.common.show(&applied.answer, |_| Vec::new());
    }
    super::print(&seed::told(&applied, true))
}

async fn list(flags: &List) -> Result<(), String> {
    let found = of_worlds(&flags.common, "GET", "", None).await?;
    flags.common.show(&found, |found| {
        let row = |world: &Value| vec![text(world, "tenant_key"), offset(world), text(world, "name")];
        table(&found["worlds"].as_array().into_iter().flatten().map(row).collect::<Vec<_>>())
    })
}

/// Makes a world, and prints its tenant; a demo world also with its app.
async fn made(common: &Common, body: Value) -> Result<(), String> {
    let made = of_worlds(common, "POST", "", Some(body)).await?;
    common.show(&made, |made| {
        let names = ["tenant_key", "app_id", "app_secret", "chat_id", "document_url"];
        let known = names.iter().filter(|name| made[**name].is_string());
        let mut lines =
            table(&known.map(|name| vec![(*name).to_owned(), text(made, name)]).collect::<Vec<_>>());
        if let Some(ids) = made["ids"].as_object() {
            lines.push(format!("{} IDs are new: --json lists them", ids.len()));
        }
        lines
    })
}

async fn snapshot(flags: &Snapshot) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let Some(name) = &flags.name else {
        let found = world.call("GET", "/snapshots", None).await?;
        return flags.common.show(&found, |found| {
            table(&found["snapshots"].as_array().into_iter().flatten().map(saved).collect::<Vec<_>>())
        });
    };
    let path = format!("/snapshots/{}", encoded(name));
    if flags.delete {
        return world.call("DELETE", &path, None).await.map(drop);
    }
    if let Some(file) = &flags.to {
        let bytes = world.download(&format!("{path}/file")).await?;
        return std::fs::write(file, bytes)
            .map_err(|error| format!("cannot write {}: {error}", file.display()));
    }
    let made = match &flags.from {
        Some(file) => {
            let (media, body) = form(&[], &[format!("file=@{}", file.display())])?;
            world.upload(&format!("{path}/file"), &media, body).await?
        }
        None => {
            let body = json!({"name": name, "note": flags.note.as_deref().unwrap_or_default()});
            world.call("POST", "/snapshots", Some(body)).await?
        }
    };
    flags.common.show(&made, |made| table(&[saved(made)]))
}

/// A snapshot as a row of a table.
fn saved(snapshot: &Value) -> Vec<String> {
    let number = |name: &str| snapshot[name].as_i64().unwrap_or_default();
    vec![
        text(snapshot, "name"),
        format!("{} rows", number("rows")),
        format!("{} KiB", (number("bytes") + 1023) / 1024),
        text(snapshot, "note"),
    ]
}

async fn put_back(common: &Common, path: &str, body: Value) -> Result<(), String> {
    let done = World::find(&common.place)?.call("POST", path, Some(body)).await?;
    common.show(&done, |done| {
        vec![format!("{}: {} rows written, {} deleted", text(done, "name"), done["written"], done["deleted"])]
    })
}

async fn clock(flags: &Clock) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let shown = match flags.by.as_deref() {
        None => world.call("GET", "", None).await?,
        Some("0") => world.call("PUT", "/clock", Some(json!({"offset_ms": 0}))).await?,
        Some(by) => {
            let seconds = seconds(by).ok_or_else(|| {
                format!("{by} is not a span of time: write a number with s, m, h or d, such as +2h")
            })?;
            world.call("PUT", "/clock", Some(json!({"advance_seconds": seconds}))).await?
        }
    };
    flags.common.show(&shown, |shown| vec![offset(shown)])
}

/// A span of time, in seconds.
fn seconds(span: &str) -> Option<i64> {
    let unit = match span.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    let number: i64 = span.get(..span.len() - 1)?.parse().ok()?;
    number.checked_mul(unit)
}

/// How far a clock is ahead of the real time.
fn offset(world: &Value) -> String {
    let ms = world["clock_offset_ms"].as_i64().unwrap_or_default();
    let (sign, seconds) = (if ms < 0 { '-' } else { '+' }, ms.unsigned_abs() / 1000);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours}:{minutes:02}:{rest:02}")
}

async fn diff(flags: &Diff) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let (a, b) = (encoded(&flags.a), encoded(&flags.b));
    let path = format!("/snapshots/diff?a={a}&b={b}&limit={}", flags.limit);
    let found = world.call("GET", &path, None).await?;
    flags.common.show(&found, differences)
}

/// The rows that differ, one a line, with what changed in them.
fn differences(found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for row in found["rows"].as_array().into_iter().flatten() {
        let sign = match row["change"].as_str() {
            Some("added") => '+',
            Some("gone") => '-',
            _ => '~',
        };
        let key = row["key"].as_object().into_iter().flatten();
        let key = key.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
        lines.push(format!("{sign} {} {}", text(row, "table"), key.collect::<Vec<_>>().join(" ")));
        for column in row["columns"].as_array().into_iter().flatten() {
            let (name, a, b) = (text(column, "name"), text(column, "a"), text(column, "b"));
            lines.push(format!("    {name}: {a} -> {b}"));
        }
    }
    if let Some(more) = found["more"].as_u64().filter(|more| *more > 0) {
        lines.push(format!("{more} more: --limit lists up to 1000"));
    }
    lines
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Rows with columns of equal width, one a line.
fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_and_shown() {
        for (span, expected) in [("+2h", 7200), ("-30m", -1800), ("5s", 5), ("+1d", 86_400)] {
            assert_eq!(seconds(span), Some(expected), "{span}");
        }
        for wrong in ["", "h", "2", "+2x", "1.5h", "9223372036854775807d", "é"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(offset(&json!({"clock_offset_ms": 7_261_999})), "+2:01:01");
        assert_eq!(offset(&json!({"clock_offset_ms": -1000})), "-0:00:01");
    }

    #[test]
    fn rows_are_lines() {
        let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["ccc".to_owned(), String::new()]];
        assert_eq!(table(&rows), ["a    b", "ccc"]);
        assert!(table(&[]).is_empty());
    }

    #[test]
    fn differences_are_lines() {
        let found = json!({"more": 3, "rows": [
            {"table": "tag", "change": "added", "key": {"tag_id": "7"}},
            {"table": "chat", "change": "changed", "key": {"chat_id": "oc_1"}, "columns": [{"name": "name", "a": "x", "b": "y"}]},
        ]});
        let expected =
            ["+ tag tag_id=7", "~ chat chat_id=oc_1", "    name: x -> y", "3 more: --limit lists up to 1000"];
        assert_eq!(differences(&found), expected);
    }
}
