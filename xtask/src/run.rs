//! Runs other programs, and shows what is run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The result of a command: nothing, or why it failed and what to do.
pub(crate) type Outcome = Result<(), String>;

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The steps so far, with their time in seconds.
static TAKEN: Mutex<Vec<(String, f64)>> = Mutex::new(Vec::new());

/// Runs a step and shows how long it took.
pub(crate) fn step(name: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    println!("== {name}");
    let began = Instant::now();
    let outcome = run().map_err(|error| format!("{name}: {error}"));
    let seconds = began.elapsed().as_secs_f64();
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), seconds));
    outcome?;
    println!("== {name}: {seconds:.1} s");
    Ok(())
}

/// The time of each step as a Markdown table, including a step that failed.
pub(crate) fn taken() -> String {
    table(&TAKEN.lock().unwrap_or_else(PoisonError::into_inner))
}

fn table(taken: &[(String, f64)]) -> String {
    let total = taken.iter().map(|(_, seconds)| seconds).sum();
    let row = |name: &str, seconds: f64| {
        // Whole seconds, rounded; less than half a second shows as 0:00.
        let whole = Duration::from_secs_f64(seconds + 0.5).as_secs();
        format!("| {name} | {}:{:02} |\n", whole / 60, whole % 60)
    };
    let rows: String = taken.iter().map(|(name, seconds)| row(name, *seconds)).collect();
    format!("| step | min:s |\n|---|---:|\n{rows}{}", row("total", total))
}

/// Runs cargo.
pub(crate) fn cargo(arguments: &[&str]) -> Outcome {
    cargo_with(arguments, &[])
}

/// Runs cargo with environment variables.
pub(crate) fn cargo_with(arguments: &[&str], variables: &[(&str, &OsStr)]) -> Outcome {
    command(OsStr::new(env!("CARGO")), arguments, variables)
}

/// Runs a program in the root of the project.
pub(crate) fn command(program: &OsStr, arguments: &[&str], variables: &[(&str, &OsStr)]) -> Outcome {
    let shown = format!("{} {}", Path::new(program).display(), arguments.join(" "));
    let mut command = Command::new(program);
    // Do not pass on cargo's own variables: build scripts that read them would run again at each differently configured
    // build.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    let status = command
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Runs a program in the root of the project and returns its output.
pub(crate) fn output(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let shown = format!("{} {}", program.display(), arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "`{shown}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` did not print text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up() {
        let taken = [("one".to_owned(), 59.6), ("two".to_owned(), 61.2), ("three".to_owned(), 0.1)];
        let shown = table(&taken);
        assert_eq!(
            shown,
            "| step | min:s |\n|---|---:|\n| one | 1:00 |\n| two | 1:01 |\n| three | 0:00 |\n| total | 2:01 |\n"
        );
    }
}
