//! The failover drill: its requirements, and `tests/drill`.

use crate::run::{self, Outcome};
use crate::tools;

/// Runs the drill with the tested build: it tests correctness, not speed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    run::cargo(&["build", "--locked", "--profile", run::PROFILE, "--package", "larkspur-server"])?;
    with_built(arguments)
}

/// As [`run()`], with the program that was built last.
pub(crate) fn with_built(arguments: &[String]) -> Outcome {
    let target = run::target();
    let program = run::built("larkspur").to_string_lossy().into_owned();
    let patroni = tools::patroni()?.to_string_lossy().into_owned();
    let logs = target.join("drill").to_string_lossy().into_owned();
    let mut all = vec!["tests/drill/run.py", "--program", &program, "--patroni", &patroni, "--logs", &logs];
    all.extend(arguments.iter().map(String::as_str));
    run::command("python3".as_ref(), &all, &[])
}
