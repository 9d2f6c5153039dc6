use std::path::PathBuf;

use clap::{Args, Subcommand};
use larkspur_control::seeds;
use serde_json::{Value, json};

use super::form::form;
use super::in_world::{Common, World, encoded, print_json};
use super::seed::{self, Seed};
use super::terminal::{Look, Part, Screen, bold, columns, plain};

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
                let path = format!("/{}", encoded(&flags.key));
                flags.common.done(&of_worlds(&flags.common, "DELETE", &path, None).await?)
            }
        }
    })
}

/// The `data` of the answer to a call that concerns all worlds, or the one that `more` names.
async fn of_worlds(common: &Common, method: &str, more: &str, body: Option<Value>) -> Result<Value, String> {
    let answer = common.place.control()?.call(method, more, body).await;
    answer.map_err(|refused| refused.to_string())
}

async fn apply(flags: &Apply) -> Result<(), String> {
    let seed = Seed::read(&flags.file)?;
    let applied = seed::apply(&seed, &flags.common.place, (flags.replace, flags.dry_run)).await?;
    if flags.common.json() {
        return print_json(&applied.answer);
    }
    super::print(&seed::told(&applied, true))
}

async fn list(flags: &List) -> Result<(), String> {
    let found = of_worlds(&flags.common, "GET", "", None).await?;
    flags.common.list(&found, "worlds", |found, screen| {
        let row = |world: &Value| vec![text(world, "tenant_key"), offset(world), text(world, "name")];
        let rows: Vec<_> = found["worlds"].as_array().into_iter().flatten().map(row).collect();
        titled(screen, &["tenant", "clock", "name"], rows)
    })
}

/// Makes a world, and prints its tenant; a demo world also with its app.
async fn made(common: &Common, body: Value) -> Result<(), String> {
    let made = of_worlds(common, "POST", "", Some(body)).await?;
    common.show(&made, |made, _| {
        let names = ["tenant_key", "app_id", "app_secret", "chat_id", "document_url"];
        let known = names.iter().filter(|name| made[**name].is_string());
        let mut lines =
            table(&known.map(|name| vec![(*name).to_owned(), text(made, name)]).collect::<Vec<_>>());
        if let Some(ids) = made["ids"].as_object() {
            lines.push(format!("{} IDs are new: --json lists them", ids.len()));
        }
        lines.into_iter().map(|line| vec![plain(line)]).collect()
    })
}

async fn snapshot(flags: &Snapshot) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let Some(name) = &flags.name else {
        let found = world.call("GET", "/snapshots", None).await?;
        return flags.common.list(&found, "snapshots", |found, screen| {
            let rows = found["snapshots"].as_array().into_iter().flatten().map(saved).collect();
            titled(screen, &["name", "content", "size", "note"], rows)
        });
    };
    let path = format!("/snapshots/{}", encoded(name));
    if flags.delete {
        return flags.common.done(&world.call("DELETE", &path, None).await?);
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
    flags.common.show(&made, |made, _| lines(&[saved(made)]))
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
    common.show(&done, |done, _| {
        let rows = format!(": {} rows written, {} deleted", done["written"], done["deleted"]);
        vec![vec![bold(text(done, "name")), plain(rows)]]
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
    flags.common.show(&shown, |shown, _| vec![vec![plain(offset(shown))]])
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
fn differences(found: &Value, screen: &Screen) -> Vec<Vec<Part>> {
    let mut lines = Vec::new();
    for row in found["rows"].as_array().into_iter().flatten() {
        let (look, sign) = match row["change"].as_str() {
            Some("added") => (Look::Good, "+"),
            Some("gone") => (Look::Bad, "-"),
            _ => (Look::Open, "~"),
        };
        let key = row["key"].as_object().into_iter().flatten();
        let key = key.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
        let key = key.collect::<Vec<_>>().join(" ");
        lines.push(vec![(look, sign.to_owned()), plain(format!(" {} {key}", text(row, "table")))]);
        for column in row["columns"].as_array().into_iter().flatten() {
            let name = format!("    {}: ", text(column, "name"));
            let used = columns(&name) + " -> ".len();
            let (a, b) = screen.pair(used, &text(column, "a"), &text(column, "b"));
            lines.push(vec![plain(format!("{name}{a} -> {b}").trim_end())]);
        }
    }
    if let Some(more) = found["more"].as_u64().filter(|more| *more > 0) {
        lines.push(vec![plain(format!("{more} more: --limit lists up to 1000"))]);
    }
    lines
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A table with a head, if it has rows and goes to a terminal.
fn titled(screen: &Screen, titles: &[&str], rows: Vec<Vec<String>>) -> Vec<Vec<Part>> {
    if rows.is_empty() || !screen.is_terminal() {
        return lines(&rows);
    }
    let head = titles.iter().map(|title| (*title).to_owned()).collect();
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let mut lines = lines(&rows);
    lines.iter_mut().take(1).flatten().for_each(|part| part.0 = Look::Bold);
    lines
}

/// The lines of a table without a head.
fn lines(rows: &[Vec<String>]) -> Vec<Vec<Part>> {
    table(rows).into_iter().map(|line| vec![plain(line)]).collect()
}

/// Rows with columns of equal width, one a line.
fn table(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| columns(cell)).max())
        .map(Option::unwrap_or_default)
        .collect();
    let padded = |(cell, width): (&String, &usize)| {
        format!("{cell}{}", " ".repeat(width.saturating_sub(columns(cell))))
    };
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(padded);
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
        assert_eq!(
            table(&[vec!["群聊".to_owned(), "b".to_owned()], vec!["cccc".to_owned(), "d".to_owned()]]),
            ["群聊  b", "cccc  d"]
        );
        let screen = Screen::terminal(80);
        let table = |screen, rows| Screen::PIPE.lines(&titled(screen, &["key", "name"], rows));
        assert_eq!(table(&screen, rows.clone()), "key  name\na    b\nccc\n");
        assert_eq!(
            (table(&screen, Vec::new()), table(&Screen::PIPE, rows)),
            (String::new(), "a    b\nccc\n".to_owned())
        );
    }

    #[test]
    fn differences_are_lines() {
        let found = json!({"more": 3, "rows": [
            {"table": "tag", "change": "added", "key": {"tag_id": "7"}},
            {"table": "chat", "change": "changed", "key": {"chat_id": "oc_1"}, "columns": [{"name": "name", "a": "x", "b": "y"}]},
        ]});
        let expected =
            ["+ tag tag_id=7", "~ chat chat_id=oc_1", "    name: x -> y", "3 more: --limit lists up to 1000"];
        let lines = Screen::PIPE.lines(&differences(&found, &Screen::PIPE));
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    }
}
