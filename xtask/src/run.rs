//! Runs other programs, and shows what is run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
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

/// The profile of all that is tested: one build for Rust tests, clients, the drill and the counted instructions.
pub(crate) const PROFILE: &str = "ci";

/// A program of that build.
pub(crate) fn built(name: &str) -> PathBuf {
    target().join(PROFILE).join(name)
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
    println!("== {name}: {}{seconds:.1} s", if outcome.is_ok() { "" } else { "failed after " });
    outcome
}

/// One outcome of steps that do not depend on each other: all their errors.
pub(crate) fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let errors: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
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
    let cannot = |error: std::io::Error| format!("cannot run `{shown}`: {error}");
    let mut child = command
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let (sender, passed_on) = mpsc::channel();
    if let Some(said) = child.stdout.take() {
        std::thread::spawn(move || sender.send(pass_on(BufReader::new(said), std::io::stdout())));
    }
    let status = child.wait().map_err(cannot)?;
    let failed = match passed_on.recv_timeout(LEFT_OPEN) {
        Ok(failed) => failed.map_err(cannot)?,
        Err(_) => {
            return Err(format!("`{shown}` ended with {status}, and left a program that holds its output"));
        }
    };
    if status.success() {
        return Ok(());
    }
    let failed: String = failed.iter().map(|line| format!("\n    {line}")).collect();
    Err(format!("`{shown}` ended with {status}{failed}"))
}

/// How long the output of a program may stay open after its end.
const LEFT_OPEN: Duration = Duration::from_secs(5);

/// Copies what a program says; returns the lines that tell of a failed test.
fn pass_on(mut said: impl BufRead, mut out: impl Write) -> std::io::Result<Vec<String>> {
    let (mut failed, mut line) = (Vec::new(), Vec::new());
    while said.read_until(b'\n', &mut line)? > 0 {
        out.write_all(&line)?;
        out.flush()?;
        let text = String::from_utf8_lossy(&line);
        if is_failure(text.trim_end()) {
            failed.push(text.trim_end().to_owned());
        }
        line.clear();
    }
    Ok(failed)
}

/// Whether a line tells of a failed test, as cargo and the client tests print it.
fn is_failure(line: &str) -> bool {
    (line.starts_with("test ") && line.ends_with(" ... FAILED")) || line.starts_with("failed: ")
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
    fn failed_tests_are_named() {
        let said: &[u8] =
            b"test a::b ... ok\n\xff\ntest a::c ... FAILED\nfailed: console: opening\nno newline";
        let mut copy = Vec::new();
        let failed = pass_on(said, &mut copy).expect("bytes");
        assert_eq!(failed, ["test a::c ... FAILED", "failed: console: opening"]);
        assert_eq!(copy, said);
    }

    #[test]
    fn a_program_that_is_left_behind_is_not_waited_for() {
        let began = Instant::now();
        let left = command("sh".as_ref(), &["-c", "sleep 20 & exit 0"], &[]);
        assert!(left.expect_err("it holds the output").contains("left a program"));
        assert!(began.elapsed() < Duration::from_secs(15));
        assert_eq!(command("sh".as_ref(), &["-c", "exit 0"], &[]), Ok(()));
    }

    #[test]
    fn every_error_is_said() {
        assert_eq!(all([Ok(()), Ok(())]), Ok(()));
        assert_eq!(all([Err("one".to_owned()), Ok(()), Err("two".to_owned())]), Err("one\ntwo".to_owned()));
    }

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
