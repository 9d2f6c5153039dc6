use clap::{Args, CommandFactory};

use super::Cli;

/// Flags of `larkspur man`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Subcommand [default: an overview of all]
    command: Option<String>,
}

/// Prints a page for `man`.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let mut all = Cli::command();
    all.build();
    let page = match &flags.command {
        None => all,
        Some(name) => {
            let found = all.find_subcommand(name).cloned();
            let found =
                found.ok_or_else(|| format!("there is no command {name:?}: `larkspur --help` lists them"))?;
            let page: &'static str = format!("larkspur-{}", found.get_name()).leak();
            found.name(page)
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| format!("cannot write the page: {error}"))?;
    super::print_bytes(&text)
}
