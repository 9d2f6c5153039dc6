use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{Cli, operations};

/// Flags of `larkspur completions`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Shell to complete for
    shell: Shell,
}

/// The command line, with the ids of operations as possible values.
fn command() -> Command {
    let known = |arg: clap::Arg| arg.value_parser(PossibleValuesParser::new(operations::ids()));
    let mut command = Cli::command();
    for name in ["call", "operations"] {
        command = command.mut_subcommand(name, |command| command.mut_arg("operation", known));
    }
    command
}

/// Prints a script that completes commands, flags and operations.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut command(), "larkspur", &mut text);
    super::print_bytes(&text)
}
