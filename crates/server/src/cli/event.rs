use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::call;
use super::in_world::{Common, Where, World, encoded, nothing};
use super::terminal::{Look, Part, Screen, bold, dim, plain};

/// How often `--follow` looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Which looks also read the older events that may still change: about one in 3 s.
const ALL_EVERY: u32 = 10;
/// How many of the newest events every look reads, at least.
const FIRST: u16 = 50;
/// How many events a page has at most.
const WHOLE: u16 = 200;
/// How many pages a look reads at most.
const PAGES: usize = 100;
/// How many of the newest events are remembered: more than the page that a look begins with.
const KEPT: usize = 1000;

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
    common: Common,
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
    common: Common,
}

#[derive(Args)]
struct Challenge {
    /// App [default: from the ready file]
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    #[command(flatten)]
    common: Common,
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
    let named = |name: &str, value: &Option<String>| {
        value.as_deref().map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default()
    };
    let app = named("app_id", &flags.app);
    let mut known = Known::default();
    if flags.follow {
        // Before the list is read: what changes in between is printed at the next look.
        known.news(pages(&world, &app, WHOLE, |_| true).await?);
    }
    let filter = format!("{app}{}{}", named("type", &flags.kind), named("state", &flags.state));
    let mut found = world.call("GET", &format!("/events?limit={}{filter}", flags.limit), None).await?;
    let (mut events, wanted) = (Vec::new(), usize::from(flags.limit));
    // A page is of a few hundred events, of which the filter may leave none.
    for _ in 0..PAGES {
        events.extend(found["events"].as_array().cloned().unwrap_or_default());
        let Some(next) = found["before"].as_str().filter(|_| events.len() < wanted) else { break };
        let left = wanted - events.len();
        let path = format!("/events?limit={left}{filter}&before={}", encoded(next));
        let page = world.call("GET", &path, None).await?;
        (found["events"], found["before"]) = (page["events"].clone(), page["before"].clone());
    }
    let screen = Screen::standard();
    events.iter().rev().try_for_each(|event| flags.print(event, &screen))?;
    if !flags.json {
        if events.is_empty() && !flags.follow {
            nothing("events");
        }
        for app in found["not_sent"].as_array().into_iter().flatten() {
            let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
            // Whole: people copy the call that helps.
            let to = format!(" to {}: {}: {}", text("app_id"), text("reason"), text("fix"));
            let line = screen.uncut().line(&[(Look::Open, "not sent".to_owned()), plain(to)]);
            super::print(&format!("{line}\n"))?;
        }
    }
    if !flags.follow {
        return Ok(());
    }
    known.news(events);
    for look in 1_u32.. {
        tokio::time::sleep(LOOK_EVERY).await;
        let (first, lowest) = match look.is_multiple_of(ALL_EVERY) {
            true => (WHOLE, known.lowest()),
            false => (FIRST, known.newest),
        };
        let seen = pages(&world, &app, first, |number| number > lowest).await?;
        for event in known.news(seen).iter().filter(|event| flags.wants(event)) {
            flags.print(event, &screen)?;
        }
    }
    Ok(())
}

impl List {
    /// Whether an event has the type and the state that are asked for.
    fn wants(&self, event: &Value) -> bool {
        let fits = |name: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| event[name] == wanted)
        };
        fits("event_type", &self.kind) && fits("state", &self.state)
    }

    fn print(&self, event: &Value, screen: &Screen) -> Result<(), String> {
        super::print(&format!("{}\n", if self.json { event.to_string() } else { screen.line(&row(event)) }))
    }
}

/// The newest events, the newest first: `first` of them, and pages of more while `wanted` says so of their numbers.
async fn pages(
    world: &World,
    filter: &str,
    first: u16,
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Value>, String> {
    let (mut all, mut limit, mut before) = (Vec::new(), first, String::new());
    for _ in 0..PAGES {
        let mut page = world.call("GET", &format!("/events?limit={limit}{filter}{before}"), None).await?;
        if let Value::Array(events) = page["events"].take() {
            all.extend(events);
        }
        let Some(next) = page["before"].as_str().filter(|next| next.parse::<i64>().is_ok_and(&wanted)) else {
            break;
        };
        (limit, before) = (WHOLE, format!("&before={}", encoded(next)));
    }
    Ok(all)
}

/// The events that `--follow` has seen, with their states.
#[derive(Default)]
struct Known {
    /// The highest number.
    newest: i64,
    /// State and attempts by number: of the last [`KEPT`], and of older ones that are not delivered or dropped.
    stages: BTreeMap<i64, (String, i64)>,
}

impl Known {
    /// The number of the oldest event that may still change.
    fn lowest(&self) -> i64 {
        let open = self.stages.iter().find(|(_, (state, _))| is_open(state));
        open.map_or(self.newest, |(number, _)| *number)
    }

    /// Those of `events`, the newest first, that are new or have changed, the oldest first.
    fn news(&mut self, events: Vec<Value>) -> Vec<Value> {
        let mut news = Vec::new();
        for event in events.into_iter().rev() {
            let Some(number) = event["number"].as_str().and_then(|number| number.parse().ok()) else {
                continue;
            };
            let state = event["state"].as_str().unwrap_or_default().to_owned();
            let stage = (state, event["attempt_count"].as_i64().unwrap_or_default());
            if self.stages.get(&number) != Some(&stage) {
                self.stages.insert(number, stage);
                news.push(event);
            }
            self.newest = self.newest.max(number);
        }
        if let Some((&oldest, _)) = self.stages.iter().rev().nth(KEPT) {
            self.stages.retain(|number, (state, _)| *number > oldest || is_open(state));
        }
        news
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "waiting" | "held")
}

/// An event in one line.
fn row(event: &Value) -> Vec<Part> {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let tries = match event["attempt_count"].as_i64().unwrap_or_default() {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    };
    let why = text("failure");
    let why = if why.is_empty() { why } else { format!("  {why}") };
    let state = text("state");
    vec![
        plain(format!("{}  ", text("event_id"))),
        (Look::of(&state), format!("{state:9}")),
        plain(format!("  {tries:10}")),
        dim(format!("  {}", text("app_id"))),
        plain(format!("  {}", text("event_type"))),
        dim(way(event)),
        plain(why),
    ]
}

/// The way of the last attempt that the server remembers: the long connection, or the address of the webhook.
fn way(event: &Value) -> String {
    let last = event["attempts"].as_array().and_then(|attempts| attempts.last()).unwrap_or(&Value::Null);
    match (last["connection"].as_str(), last["request_url"].as_str()) {
        (Some(id), _) => format!("  connection {id}"),
        (None, Some(url)) => format!("  POST {url}"),
        (None, None) => String::new(),
    }
}

async fn send(flags: &Send) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let app = world.app(flags.app.as_ref())?;
    let event = call::read_body(&flags.event)?;
    let event: Value =
        serde_json::from_slice(&event).map_err(|error| format!("the event is not JSON: {error}"))?;
    let body = json!({"app_id": app, "type": flags.kind, "event": event, "raw": flags.raw});
    let made = world.call("POST", "/events", Some(body)).await?;
    flags.common.show(&made, |made, _| vec![vec![plain(made["event_id"].as_str().unwrap_or_default())]])
}

async fn resend(flags: &Resend) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let mut body = json!({"fresh_id": flags.fresh_id, "times": flags.times});
    if let Some(app) = &flags.app {
        body["app_id"] = json!(app);
    }
    let path = format!("/events/{}/resend", encoded(&flags.event_id));
    let made = world.call("POST", &path, Some(body)).await?;
    flags.common.show(&made, |made, _| {
        let ids = made["event_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        ids.map(|id| vec![plain(id)]).collect()
    })
}

async fn challenge(flags: &Challenge) -> Result<(), String> {
    let world = World::find(&flags.common.place)?;
    let app = world.app(flags.app.as_ref())?;
    let shown = world.call("POST", &format!("/apps/{}/challenge", encoded(&app)), None).await?;
    match flags.common.json() {
        true => flags.common.done(&shown)?,
        // Whole, as the end of an error says the most.
        false => super::print(&Screen::standard().uncut().lines(&steps(&shown)))?,
    }
    match shown["verified"] == true {
        true => Ok(()),
        false => Err("the URL is not verified".to_owned()),
    }
}

/// The steps of a challenge, one a line.
fn steps(shown: &Value) -> Vec<Vec<Part>> {
    let step = |step: &Value| {
        let name = format!("{:9}  ", step["step"].as_str().unwrap_or_default());
        let (look, told) = step["why"].as_str().map_or((Look::Good, "ok"), |why| (Look::Bad, why));
        vec![plain(name), (look, told.to_owned())]
    };
    let url = vec![bold(shown["request_url"].as_str().unwrap_or_default())];
    let steps = shown["steps"].as_array().into_iter().flatten().map(step);
    std::iter::once(url).chain(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize, state: &str, attempts: i64) -> Value {
        json!({"number": number.to_string(), "state": state, "attempt_count": attempts})
    }

    #[test]
    fn events_are_news_once_for_each_change() {
        let mut known = Known::default();
        let numbers = |news: Vec<Value>| -> Vec<String> {
            news.iter().filter_map(|event| Some(event["number"].as_str()?.to_owned())).collect()
        };
        let seen = vec![event(3, "waiting", 0), event(2, "delivered", 1), event(1, "held", 0)];
        assert_eq!(numbers(known.news(seen.clone())), ["1", "2", "3"]);
        assert!(known.news(seen).is_empty());
        assert_eq!((known.newest, known.lowest()), (3, 1));
        let seen = vec![event(4, "waiting", 0), event(3, "waiting", 1), event(1, "delivered", 1)];
        assert_eq!(numbers(known.news(seen)), ["1", "3", "4"]);
        assert_eq!((known.newest, known.lowest()), (4, 3));
        // A burst of more than what is remembered: the one that waits is remembered, too.
        let burst = (5..3000).rev().map(|number| event(number, "delivered", 1)).collect();
        assert_eq!(known.news(burst).len(), 2995);
        assert!(known.stages.len() <= KEPT + 2 && known.lowest() == 3);
        assert!(known.news(vec![event(2999, "delivered", 1), event(3, "waiting", 1)]).is_empty());
        assert_eq!(numbers(known.news(vec![event(3, "dropped", 5)])), ["3"]);
        assert_eq!(known.lowest(), 4);
    }

    #[test]
    fn a_line_says_how_it_stands() {
        let event = json!({
            "event_id": "e1", "state": "waiting", "attempt_count": 1, "app_id": "cli_1", "event_type": "a.b_v1",
            "failure": "HTTP 500: no", "attempts": [{"request_url": "http://a/"}],
        });
        let line = "e1  waiting    1 attempt   cli_1  a.b_v1  POST http://a/  HTTP 500: no";
        assert_eq!(Screen::PIPE.line(&row(&event)), line);
        let event = json!({
            "event_id": "e1", "state": "delivered", "attempt_count": 2, "app_id": "cli_1", "event_type": "a",
            "attempts": [{"request_url": "http://a/"}, {"connection": "7"}],
        });
        assert_eq!(Screen::PIPE.line(&row(&event)), "e1  delivered  2 attempts  cli_1  a  connection 7");
        let event = json!({"event_id": "e1", "state": "delivered", "attempt_count": 2, "app_id": "cli_1", "event_type": "a"});
        assert_eq!(Screen::PIPE.line(&row(&event)), "e1  delivered  2 attempts  cli_1  a");
    }

    #[test]
    fn a_challenge_is_shown_step_by_step() {
        let steps = steps(&json!({
            "request_url": "http://a/", "verified": false,
            "steps": [{"step": "resolve", "ok": true}, {"step": "connect", "ok": false, "why": "refused"}],
        }));
        assert_eq!(Screen::PIPE.lines(&steps), "http://a/\nresolve    ok\nconnect    refused\n");
    }
}
