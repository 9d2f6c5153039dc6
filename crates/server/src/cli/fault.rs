use clap::{Args, Subcommand};
use larkspur_control::faults::presets::ALL;
use serde_json::{Value, json};

use super::in_world::{Common, World, encoded};
use super::terminal::{Look, Part, Screen, columns, dim, plain};

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
    common: Common,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Clear {
    /// Rule, by its ID [default: all]
    id: Option<String>,
    #[command(flatten)]
    common: Common,
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
    common: Common,
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
                added(&flags.common, rule).await
            }
            Command::Preset(flags) => {
                let mut rule = json!({"preset": flags.name});
                if let Some(times) = flags.times {
                    rule["times"] = times.into();
                }
                added(&flags.common, rule).await
            }
            Command::List(flags) => {
                let world = World::find(&flags.common.place)?;
                let list = world.call("GET", "/faults", None).await?;
                flags.common.list(&list, "fault rules", |list, screen| {
                    list["faults"].as_array().into_iter().flatten().map(|rule| row(rule, screen)).collect()
                })
            }
            Command::Clear(flags) => {
                let world = World::find(&flags.common.place)?;
                let path = match &flags.id {
                    Some(id) => format!("/faults/{}", encoded(id)),
                    None => "/faults".to_owned(),
                };
                flags.common.done(&world.call("DELETE", &path, None).await?)
            }
        }
    })
}

async fn added(common: &Common, rule: Value) -> Result<(), String> {
    let world = World::find(&common.place)?;
    let made = world.call("POST", "/faults", Some(rule)).await?;
    common.show(&made, |made, screen| vec![row(made, screen)])
}

/// A rule in one line. A terminal that is too narrow gets the start of what it matches and does.
fn row(rule: &Value, screen: &Screen) -> Vec<Part> {
    let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    let name = text("name");
    let name = if name.is_empty() { name } else { format!("  {name}") };
    let used = format!("  {} of {} calls", rule["hits"], rule["seen"]);
    let off = if rule["enabled"] == false { "  off" } else { "" };
    let id = format!("{:8}", text("id"));
    let beside = [&id, &name, &used, off].into_iter().map(columns).sum::<usize>() + 4;
    let (matched, effect) = screen.pair(beside, &rule["match"].to_string(), &rule["effect"].to_string());
    vec![
        plain(id + &name + "  "),
        dim(matched),
        plain(format!("  {effect}")),
        dim(used),
        (Look::Open, off.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_line() {
        let mut rule = json!({
            "id": "7", "match": {"operation": "im.v2.*"}, "effect": {"delay": {"ms": 1}}, "hits": 1, "seen": 2,
        });
        let whole = |rule: &Value| Screen::PIPE.line(&row(rule, &Screen::PIPE));
        let end = r#"  {"operation":"im.v2.*"}  {"delay":{"ms":1}}  1 of 2 calls"#;
        assert_eq!(whole(&rule), format!("7       {end}"));
        (rule["name"], rule["enabled"]) = (json!("slow"), json!(false));
        assert_eq!(whole(&rule), format!("7         slow{end}  off"));
        let screen = Screen::terminal(60);
        let parts = row(&rule, &screen);
        assert_eq!(parts.iter().map(|(_, text)| columns(text)).sum::<usize>(), 60);
        assert!(screen.line(&parts).contains("1 of 2 calls"));
    }
}
