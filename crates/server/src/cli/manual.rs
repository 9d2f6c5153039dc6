//! What shells and `man` are told of the command line.

use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{Cli, operations};

/// Flags of `larkspur completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that is to know the commands
    shell: Shell,
}

/// Flags of `larkspur man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A subcommand [default: all of them, in short]
    command: Option<String>,
}

/// The command line, with the ids of operations as what may be chosen.
fn command() -> Command {
    let known = |arg: clap::Arg| arg.value_parser(PossibleValuesParser::new(operations::ids()));
    let mut command = Cli::command();
    for name in ["call", "operations"] {
        command = command.mut_subcommand(name, |command| command.mut_arg("operation", known));
    }
    command
}

/// Prints what a shell must read to complete commands, flags and operations.
pub(super) fn completions(flags: &Completions) -> Result<(), String> {
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut command(), "larkspur", &mut text);
    super::print_bytes(&text)
}

/// Prints a page for `man`.
pub(super) fn man(flags: &Man) -> Result<(), String> {
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
