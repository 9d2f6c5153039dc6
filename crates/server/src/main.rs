//! The `larkspur` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    larkspur_server::cli::run()
}
