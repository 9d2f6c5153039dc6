use clap::Args;
use serde_json::Value;

use super::in_world::{Where, World, encoded};

/// Flags of `larkspur scopes`.
#[derive(Args)]
pub(super) struct Flags {
    /// App [default: from the ready file]
    app: Option<String>,
    /// Print the smallest set of scopes that its calls need, as a manifest
    #[arg(long)]
    manifest: bool,
    /// Print the whole ledger as JSON
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
        let pretty = |value: &Value| serde_json::to_string_pretty(value).map_err(|error| error.to_string());
        if flags.manifest {
            let scopes = serde_json::json!({"scopes": ledger["manifest"]["scopes"]});
            return super::print(&format!("{}\n", pretty(&scopes)?));
        }
        if flags.json {
            return super::print(&format!("{}\n", pretty(&ledger)?));
        }
        super::print(&table(&ledger))
    })
}

/// The ledger as lines.
fn table(ledger: &Value) -> String {
    let mut out = String::new();
    for row in ledger["scopes"].as_array().into_iter().flatten() {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let calls = row["calls"].as_u64().unwrap_or_default();
        let line =
            format!("{:7}  {:6}  {:40}  {calls} calls", text("state"), text("identity"), text("scope"));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for identity in ["tenant", "user"] {
        let set = ledger["minimal"][identity].as_array().into_iter().flatten().filter_map(Value::as_str);
        let set = set.collect::<Vec<_>>().join(", ");
        if !set.is_empty() {
            out.push_str(&format!("minimal for {identity}: {set}\n"));
        }
    }
    if out.is_empty() { "no call has needed a scope\n".to_owned() } else { out }
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
        let table = table(&ledger);
        assert!(table.starts_with("used     tenant  im:chat  "), "{table}");
        assert!(table.ends_with("3 calls\nminimal for tenant: im:chat\n"), "{table}");
    }
}
