use std::path::PathBuf;

use clap::{Args, Subcommand};
use larkspur_control::seeds;

use super::in_world::Where;
use super::seed::{self, Seed};

/// Flags of `larkspur world`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load a seed into the world of its name, which is made if there is none
    Apply(Apply),
    /// Print the JSON Schema of seeds, for editors
    Schema,
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
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// Changes worlds; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let flags = match &flags.command {
        Command::Schema => {
            let text = serde_json::to_string_pretty(&seeds::schema()).map_err(|error| error.to_string())?;
            return super::print(&format!("{text}\n"));
        }
        Command::Apply(flags) => flags,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let seed = Seed::read(&flags.file)?;
        let applied = seed::apply(&seed, &flags.place, (flags.replace, flags.dry_run)).await?;
        if flags.json {
            let text = serde_json::to_string_pretty(&applied.answer).map_err(|error| error.to_string())?;
            return super::print(&format!("{text}\n"));
        }
        super::print(&seed::told(&applied, true))
    })
}
