use clap::Args;
use serde_json::Value;

use super::in_world::{Where, World, encoded, print_json};
use super::terminal::{Look, Part, Screen, bold, dim, paragraph, plain};

/// Flags of `larkspur scopes`.
#[derive(Args)]
pub(super) struct Flags {
    /// App [default: from the ready file]
    app: Option<String>,
    /// Print the smallest set of scopes that its calls need, as a manifest
    #[arg(long)]
    manifest: bool,
    /// Print the answer, the whole ledger, as JSON
    #[arg(long, conflicts_with = "manifest")]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// Prints the scope ledger of an app; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let world = World::find(&flags.place)?;
        let app = world.app(flags.app.as_ref())?;
        let ledger = world.call("GET", &format!("/apps/{}/ledger", encoded(&app)), None).await?;
        if flags.manifest {
            return print_json(&serde_json::json!({"scopes": ledger["manifest"]["scopes"]}));
        }
        if flags.json {
            return print_json(&ledger);
        }
        let screen = Screen::standard();
        super::print(&screen.lines(&table(&ledger, &screen)))
    })
}

/// The ledger as lines. The smallest sets are folded, not cut.
fn table(ledger: &Value, screen: &Screen) -> Vec<Vec<Part>> {
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let calls = row["calls"].as_u64().unwrap_or_default();
        let state = text("state");
        vec![
            (Look::of(&state), format!("{state:7}")),
            plain(format!("  {:6}  {:40}", text("identity"), text("scope"))),
            dim(format!("  {calls} {}", if calls == 1 { "call" } else { "calls" })),
        ]
    };
    let mut out: Vec<Vec<Part>> = ledger["scopes"].as_array().into_iter().flatten().map(row).collect();
    if !out.is_empty() {
        let titles = format!("{:7}  {:6}  {:40}  {}", "state", "token", "scope", "used by");
        out.splice(0..0, screen.head(&titles));
    }
    for identity in ["tenant", "user"] {
        let set = ledger["minimal"][identity].as_array().into_iter().flatten().filter_map(Value::as_str);
        let set = set.collect::<Vec<_>>().join(", ");
        if !set.is_empty() {
            let name = format!("minimal for {identity}:");
            let folded = paragraph(&format!("{name} "), 4, &set, screen.width());
            let lines = folded.lines().enumerate().map(|(number, line)| match line.strip_prefix(&name) {
                Some(rest) if number == 0 => vec![bold(&*name), plain(rest)],
                _ => vec![plain(line)],
            });
            out.extend(lines);
        }
    }
    if out.is_empty() { vec![vec![plain("no call has needed a scope")]] } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_a_table() {
        let ledger = serde_json::json!({
            "scopes": [{"scope": "im:chat", "identity": "tenant", "state": "used", "calls": 3}],
            "minimal": {"tenant": ["im:chat"], "user": []}
        });
        let titled = table(&ledger, &Screen::terminal(40));
        assert!(
            titled.len() == 3 && titled.first().is_some_and(|head| head[0].0 == Look::Bold),
            "{titled:?}"
        );
        let table = Screen::PIPE.lines(&table(&ledger, &Screen::PIPE));
        assert!(table.starts_with("used     tenant  im:chat  "), "{table}");
        assert!(table.ends_with("3 calls\nminimal for tenant: im:chat\n"), "{table}");
    }
}
