use clap::{Args, Subcommand};
use larkspur_control::faults::presets::ALL;
use serde_json::{Value, json};

use super::in_world::{Where, World, encoded};

/// Flags of `larkspur fault`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add a rule before all others
    Add(Add),
    /// Print the rules, with how often each was used
    List(List),
    /// Remove rules
    Clear(Clear),
    /// Add a ready-made rule
    Preset(Preset),
}

#[derive(Args)]
struct Add {
    /// Rule as JSON, such as '{"effect":{"delay":{"ms":500}}}'
    rule: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Clear {
    /// Rule, by its ID [default: all]
    id: Option<String>,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
#[command(after_help = presets())]
struct Preset {
    /// Preset, such as token-dropped
    name: String,
    /// The most calls that it changes
    #[arg(long)]
    times: Option<u32>,
    #[command(flatten)]
    place: Where,
}

/// The presets, for the help.
fn presets() -> String {
    let rows = ALL.iter().map(|preset| format!("  {:18}{}", preset.name, preset.shows));
    format!("Presets:\n{}", rows.collect::<Vec<_>>().join("\n"))
}

/// Shows and changes the rules of a world; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match &flags.command {
            Command::Add(flags) => {
                let rule: Value = serde_json::from_str(&flags.rule)
                    .map_err(|error| format!("the rule is not JSON: {error}"))?;
                added(&flags.place, rule).await
            }
            Command::Preset(flags) => {
                let mut rule = json!({"preset": flags.name});
                if let Some(times) = flags.times {
                    rule["times"] = times.into();
                }
                added(&flags.place, rule).await
            }
            Command::List(flags) => {
                let world = World::find(&flags.place)?;
                let list = world.call("GET", "/faults", None).await?;
                for rule in list["faults"].as_array().into_iter().flatten() {
                    super::print(&format!("{}\n", line(rule)))?;
                }
                Ok(())
            }
            Command::Clear(flags) => {
                let world = World::find(&flags.place)?;
                let path = match &flags.id {
                    Some(id) => format!("/faults/{}", encoded(id)),
                    None => "/faults".to_owned(),
                };
                world.call("DELETE", &path, None).await.map(drop)
            }
        }
    })
}

async fn added(place: &Where, rule: Value) -> Result<(), String> {
    let world = World::find(place)?;
    let made = world.call("POST", "/faults", Some(rule)).await?;
    super::print(&format!("{}\n", line(&made)))
}

/// A rule in one line.
fn line(rule: &Value) -> String {
    let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    let off = if rule["enabled"] == false { "  off" } else { "" };
    let used = format!("{} of {} calls", rule["hits"], rule["seen"]);
    let parts = [
        format!("{:8}", text("id")),
        text("name"),
        rule["match"].to_string(),
        rule["effect"].to_string(),
        used,
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    format!("{}{off}", parts.join("  "))
}
