use std::collections::HashMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::call;
use super::in_world::{Where, World, encoded};

/// How often `--follow` looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Flags of `larkspur event`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List events with their deliveries, the newest last
    List(List),
    /// Send an event that you make up to an app
    Send(Send),
    /// Send an event again
    Resend(Resend),
    /// Send a challenge to the URL of an app, and show each step
    Challenge(Challenge),
}

#[derive(Args)]
struct List {
    /// Only events of this app
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Only events of this type; says also which apps are not told of them
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only events in this state
    #[arg(long, value_parser = ["waiting", "held", "delivered", "dropped"])]
    state: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Go on with what happens from now on
    #[arg(long)]
    follow: bool,
    /// Print JSON, one event per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Send {
    /// Type of the event
    #[arg(value_name = "TYPE")]
    kind: String,
    /// What it says, without the envelope: JSON, @FILE, or - for standard input
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    event: String,
    /// App [default: from the ready file]
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Send it even if its type is unknown or it does not fit its type
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Resend {
    /// Event, by its id
    event_id: String,
    /// App that was told
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Give each copy an id of its own
    #[arg(long)]
    fresh_id: bool,
    /// How often
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    times: u8,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Challenge {
    /// App [default: from the ready file]
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Lists and sends events; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match &flags.command {
            Command::List(flags) => list(flags).await,
            Command::Send(flags) => send(flags).await,
            Command::Resend(flags) => resend(flags).await,
            Command::Challenge(flags) => challenge(flags).await,
        }
    })
}

async fn list(flags: &List) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let mut query = format!("/events?limit={}", flags.limit);
    for (name, value) in [("app_id", &flags.app), ("type", &flags.kind), ("state", &flags.state)] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    let mut seen: HashMap<String, Value> = HashMap::new();
    loop {
        let found = world.call("GET", &query, None).await?;
        let events = found["events"].as_array().cloned().unwrap_or_default();
        let mut shown = HashMap::new();
        for event in events.iter().rev() {
            let number = event["number"].as_str().unwrap_or_default().to_owned();
            let stage = json!([event["state"], event["attempt_count"]]);
            if seen.get(&number) != Some(&stage) {
                super::print(&format!("{}\n", if flags.json { event.to_string() } else { line(event) }))?;
            }
            shown.insert(number, stage);
        }
        if seen.is_empty() && !flags.json {
            for app in found["not_sent"].as_array().into_iter().flatten() {
                let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
                super::print(&format!(
                    "not sent to {}: {}: {}\n",
                    text("app_id"),
                    text("reason"),
                    text("fix")
                ))?;
            }
        }
        if !flags.follow {
            return Ok(());
        }
        seen = shown;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An event in one line.
fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let tries = match event["attempt_count"].as_i64().unwrap_or_default() {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    };
    let why = text("failure");
    let why = if why.is_empty() { why } else { format!("  {why}") };
    let names = [text("event_id"), format!("{:9}", text("state")), format!("{tries:10}"), text("app_id")];
    format!("{}  {}{why}", names.join("  "), text("event_type"))
}

async fn send(flags: &Send) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let app = world.app(flags.app.as_ref())?;
    let event = call::read_body(&flags.event)?;
    let event: Value =
        serde_json::from_slice(&event).map_err(|error| format!("the event is not JSON: {error}"))?;
    let body = json!({"app_id": app, "type": flags.kind, "event": event, "raw": flags.raw});
    let made = world.call("POST", "/events", Some(body)).await?;
    super::print(&format!("{}\n", made["event_id"].as_str().unwrap_or_default()))
}

async fn resend(flags: &Resend) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let mut body = json!({"fresh_id": flags.fresh_id, "times": flags.times});
    if let Some(app) = &flags.app {
        body["app_id"] = json!(app);
    }
    let path = format!("/events/{}/resend", encoded(&flags.event_id));
    let made = world.call("POST", &path, Some(body)).await?;
    for id in made["event_ids"].as_array().into_iter().flatten() {
        super::print(&format!("{}\n", id.as_str().unwrap_or_default()))?;
    }
    Ok(())
}

async fn challenge(flags: &Challenge) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let app = world.app(flags.app.as_ref())?;
    let shown = world.call("POST", &format!("/apps/{}/challenge", encoded(&app)), None).await?;
    super::print(&steps(&shown))?;
    match shown["verified"] == true {
        true => Ok(()),
        false => Err("the URL is not verified".to_owned()),
    }
}

/// The steps of a challenge, one a line.
fn steps(shown: &Value) -> String {
    let mut text = format!("{}\n", shown["request_url"].as_str().unwrap_or_default());
    for step in shown["steps"].as_array().into_iter().flatten() {
        let name = step["step"].as_str().unwrap_or_default();
        text.push_str(&match step["why"].as_str() {
            None => format!("{name:9}  ok\n"),
            Some(why) => format!("{name:9}  {why}\n"),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_it_stands() {
        let event = json!({
            "event_id": "e1", "state": "waiting", "attempt_count": 1, "app_id": "cli_1", "event_type": "a.b_v1",
            "failure": "HTTP 500: no",
        });
        assert_eq!(line(&event), "e1  waiting    1 attempt   cli_1  a.b_v1  HTTP 500: no");
        let event = json!({"event_id": "e1", "state": "delivered", "attempt_count": 2, "app_id": "cli_1", "event_type": "a"});
        assert_eq!(line(&event), "e1  delivered  2 attempts  cli_1  a");
    }

    #[test]
    fn a_challenge_is_shown_step_by_step() {
        let steps = steps(&json!({
            "request_url": "http://a/", "verified": false,
            "steps": [{"step": "resolve", "ok": true}, {"step": "connect", "ok": false, "why": "refused"}],
        }));
        assert_eq!(steps, "http://a/\nresolve    ok\nconnect    refused\n");
    }
}
