use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::in_world::{Common, Where, World, encoded, nothing};
use super::terminal::{Look, Part, Screen, bold, dim, plain};

/// How often `tail` looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Flags of `larkspur traffic`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the last calls and, until it is stopped, new ones
    Tail(Tail),
    /// Print a call: request, answer, steps, and why it was refused
    Show(Show),
    /// Print the fields in which two calls differ
    Diff(Diff),
    /// Call the operation of a recorded call again
    Replay(Replay),
    /// Print calls as commands, tests or files
    Export(Export),
}

#[derive(Args)]
struct Tail {
    /// Only calls with this code
    #[arg(long)]
    code: Option<String>,
    /// Only calls of this operation, such as im.v1.*
    #[arg(long)]
    operation: Option<String>,
    /// Only calls with this outcome: ok, soft, refused, failed, injected, cut or unrouted
    #[arg(long)]
    outcome: Option<String>,
    /// Another filter, repeatable, such as body.uuid=x, header.user-agent=~python or status=>=500
    #[arg(long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// How many of the last calls to print first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    last: u16,
    /// Stop after them
    #[arg(long)]
    no_follow: bool,
    /// Print JSON, one call per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Show {
    /// Call, by its log id
    log_id: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Diff {
    /// Call, by its log id
    a: String,
    /// Call, by its log id
    b: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Replay {
    /// Call, by its log id
    log_id: String,
    /// Token: one that expires like the first call's, or a new one
    #[arg(long, default_value = "fresh", value_parser = ["same", "fresh"])]
    with_token: String,
    /// Send the same `uuid` again
    #[arg(long)]
    same_uuid: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Export {
    /// Calls, by their log ids
    #[arg(required = true)]
    log_ids: Vec<String>,
    /// Format
    #[arg(long = "as", value_name = "FORMAT", value_parser = ["curl", "python", "node", "go", "larkspur", "pytest", "vitest", "har", "ndjson", "html"])]
    format: String,
    #[command(flatten)]
    common: Common,
}

/// Shows recorded calls; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match &flags.command {
            Command::Tail(flags) => tail(flags).await,
            Command::Show(flags) => {
                let world = World::find(&flags.common.place)?;
                let call = world.call("GET", &format!("/traffic/{}", encoded(&flags.log_id)), None).await?;
                match flags.common.json() {
                    true => flags.common.done(&call),
                    false => super::print(&shown(&call, &Screen::standard())?),
                }
            }
            Command::Diff(flags) => {
                let world = World::find(&flags.common.place)?;
                let query = format!("/traffic/diff?a={}&b={}", encoded(&flags.a), encoded(&flags.b));
                let found = world.call("GET", &query, None).await?;
                flags.common.show(&found, |found, screen| changes(&found["changes"], screen))
            }
            Command::Replay(flags) => replay(flags).await,
            Command::Export(flags) => {
                let world = World::find(&flags.common.place)?;
                let body = json!({"log_ids": flags.log_ids, "as": flags.format});
                let made = world.call("POST", "/traffic/export", Some(body)).await?;
                match flags.common.json() {
                    true => flags.common.done(&made),
                    false => super::print(made["text"].as_str().unwrap_or_default()),
                }
            }
        }
    })
}

async fn tail(flags: &Tail) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let mut filter = String::new();
    let named = [("code", &flags.code), ("operation", &flags.operation), ("outcome", &flags.outcome)];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let other = flags
        .filter
        .iter()
        .map(|text| text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE")));
    for (name, value) in named.chain(other.collect::<Result<Vec<_>, _>>()?) {
        filter.push_str(&format!("&{}={}", encoded(name), encoded(value)));
    }
    let mut query = format!("/traffic?limit={}{filter}", flags.last);
    let screen = Screen::standard();
    loop {
        let found = world.call("GET", &query, None).await?;
        if found["recording"] == false {
            return Err("the server records no calls: set [traffic] record = \"on\"".to_owned());
        }
        for call in found["entries"].as_array().into_iter().flatten().rev() {
            let line = if flags.json { call.to_string() } else { screen.line(&row(call)) };
            super::print(&format!("{line}\n"))?;
        }
        if flags.no_follow {
            if found["entries"].as_array().is_none_or(Vec::is_empty) && !flags.json {
                nothing("calls");
            }
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        query = format!("/traffic?limit=1000&after={}{filter}", found["newest"]);
    }
}

/// A call in one line.
fn row(call: &Value) -> Vec<Part> {
    let text = |name: &str| match &call[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let ms = call["us"].as_f64().unwrap_or_default() / 1000.0;
    let operation = if call["operation"].is_null() { text("path") } else { text("operation") };
    let outcome = text("outcome");
    vec![
        plain(format!("{}  ", text("log_id"))),
        (Look::of(&outcome), format!("{outcome:8}")),
        plain(format!("  {}  {:>8}  {} {operation}", text("status"), text("code"), text("method"))),
        dim(format!("  {}  {}  {ms:.2} ms", text("app_id"), text("token"))),
    ]
}

/// A call on several lines: why first, then the rest as JSON. Only the first line is cut: people copy from the others.
fn shown(call: &Value, screen: &Screen) -> Result<String, String> {
    let mut out = format!("{}\n", screen.line(&row(call)));
    let whole = screen.uncut();
    let mut fact = |name: &str, text: String| {
        out.push_str(&format!("{}\n", whole.line(&[bold(name), plain(text)])));
    };
    let why = &call["why"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if why.is_object() {
        match why["step"].as_str() {
            Some(step) => {
                fact("refused by", format!(" {step}: {} ({})", text(&why["code"]), text(&why["note"])));
            }
            None => {
                fact(
                    "refused by",
                    format!(" the fault rule {}: {}", text(&call["fault"]), text(&why["code"])),
                );
            }
        }
        if let Some(rule) = why["rule"].as_str() {
            let basis = why["basis"].as_str().map(|basis| format!(", {basis}")).unwrap_or_default();
            fact("rule", format!("   {rule}{basis}"));
        }
        for (name, value) in why["facts"].as_object().into_iter().flatten() {
            fact("fact", format!("   {name} = {}", text(value)));
        }
        for fix in why["fixes"].as_array().into_iter().flatten() {
            fact("fix", format!("    {}", command(fix)));
        }
    }
    for route in call["near"].as_array().into_iter().flatten() {
        let (method, path) = (text(&route["method"]), text(&route["path"]));
        fact("near", format!("   {method} {path}: {}", text(&route["differs"])));
    }
    let rest = json!({"request": call["request"], "answer": call["answer"], "steps": call["steps"], "events": call["events"]});
    let rest = serde_json::to_string_pretty(&rest).map_err(|error| error.to_string())?;
    Ok(format!("{out}{rest}\n"))
}

/// The command line of an action.
fn command(action: &Value) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut line = format!("larkspur call larkspur.v1.{}", action["id"].as_str().unwrap_or_default());
    for (name, value) in action["path"].as_object().into_iter().flatten() {
        line.push_str(&format!(" --path {name}={}", value.as_str().unwrap_or_default()));
    }
    if action["body"].as_object().is_some_and(|body| !body.is_empty()) {
        line.push_str(&format!(" --body {}", quoted(&action["body"].to_string())));
    }
    line
}

/// The fields that differ, one a line.
fn changes(changes: &Value, screen: &Screen) -> Vec<Vec<Part>> {
    let change = |one: &Value| {
        let side = |name: &str| one.get(name).map_or_else(|| "absent".to_owned(), Value::to_string);
        let path = one["path"].as_str().unwrap_or_default();
        let (a, b) = screen.pair(path.chars().count() + ": -> ".len() + 1, &side("a"), &side("b"));
        vec![bold(path), plain(format!(": {a} -> {b}"))]
    };
    let lines: Vec<Vec<Part>> = changes.as_array().into_iter().flatten().map(change).collect();
    if lines.is_empty() { vec![vec![plain("no difference")]] } else { lines }
}

async fn replay(flags: &Replay) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let body = json!({"token": flags.with_token, "fresh_uuid": !flags.same_uuid});
    let path = format!("/traffic/{}/replay", encoded(&flags.log_id));
    let both = world.call("POST", &path, Some(body)).await?;
    flags.common.show(&both, |both, screen| {
        let calls = [row(&both["a"]), row(&both["b"])];
        calls.into_iter().chain(changes(&both["changes"], screen)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_line() {
        let call = json!({
            "log_id": "2026A", "outcome": "refused", "status": 400, "code": 232055, "method": "POST",
            "operation": "im.v1.chat_tab.create", "app_id": "cli_1", "token": "tenant", "us": 412, "path": "/x"
        });
        assert_eq!(
            Screen::PIPE.line(&row(&call)),
            "2026A  refused   400    232055  POST im.v1.chat_tab.create  cli_1  tenant  0.41 ms"
        );
        let call = json!({"log_id": "2026A", "outcome": "unrouted", "status": 404, "method": "GET", "path": "/x", "token": "none"});
        assert_eq!(
            Screen::PIPE.line(&row(&call)),
            "2026A  unrouted  404         -  GET /x  -  none  0.00 ms"
        );
    }

    #[test]
    fn changes_are_lines_and_their_values_are_shortened() {
        let found = json!([{"path": "body.text", "a": "x".repeat(60), "b": 1}, {"path": "code", "b": 2}]);
        let whole = Screen::PIPE.lines(&changes(&found, &Screen::PIPE));
        assert_eq!(whole, format!("body.text: \"{}\" -> 1\ncode: absent -> 2\n", "x".repeat(60)));
        let screen = Screen::terminal(40);
        let short = screen.lines(&changes(&found, &screen));
        assert!(short.contains("… -> 1\n") && short.ends_with(": absent -> 2\n"), "{short}");
        assert_eq!(Screen::PIPE.lines(&changes(&json!([]), &screen)), "no difference\n");
    }

    #[test]
    fn an_action_is_a_command() {
        let action = json!({"id": "chat.update", "path": {"chat_id": "oc_1"}, "body": {"name": "it's"}});
        assert_eq!(
            command(&action),
            r#"larkspur call larkspur.v1.chat.update --path chat_id=oc_1 --body '{"name":"it'\''s"}'"#
        );
    }
}
