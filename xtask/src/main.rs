//! The project's own commands. `cargo xtask help` lists them.
#![expect(clippy::print_stderr, reason = "a command line tool")]

mod coverage;
mod dependencies;
mod drill;
mod fuzz;
mod generate;
mod platform;
mod run;
mod tools;

use std::ffi::OsStr;
use std::process::ExitCode;

use run::{Outcome, step};

const HELP: &str = "\
cargo xtask quick [...] rules and scenarios on SQLite, under a minute once built; an argument names the tests instead, such as scenarios::im::v1::chat_tab
cargo xtask test        everything that is tested: rules, scenarios, clients, a failover, a short fuzz run
cargo xtask rust        the Rust tests alone, on SQLite and PostgreSQL, and the contract coverage they prove
cargo xtask coverage    whether the last run of the Rust tests on SQLite provoked every pair of the specs
cargo xtask clients     the official SDKs and their models, a bot's tests, schemathesis, the sign-in page and the console in Chromium, the README's commands
cargo xtask pictures    makes the pictures of the README anew, and the words beside them (docs/images)
cargo xtask fuzz [S]    feeds decoders and the rules of messages with made-up bytes for S seconds (default 20)
cargo xtask drill [...] kills and freezes parts of a PostgreSQL cluster under load: nothing acknowledged may be lost (--short, --only SCENARIO, --write FILE)
cargo xtask ci          formatting, clippy, dependencies, rustdoc, generated documents unchanged, `test`, instruction counts: what CI runs; at the end, what each step took
cargo xtask dependencies
                        licenses, duplicates and banned crates, by xtask/dependencies.txt
cargo xtask generate    writes the generated documents; with --check, says whether they would change
cargo xtask platform-operations
                        writes the table of the platform's operations from the official SDKs that tests/clients names (needs a network); with --check, says whether it would change
cargo xtask bench [...] the benchmark table; arguments go to the benchmark program (--quick, --rounds N, --write FILE)
cargo xtask setup       installs what the tests need beside Rust: a C compiler, Python, Node, Chromium, fonts with Chinese and emoji, PostgreSQL, etcd, Prometheus, nginx, Caddy, HAProxy (Debian, as root)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("quick") => quick(rest),
        Some("test") => test(),
        Some("rust") => rust(),
        Some("coverage") => coverage::check(),
        Some("clients") => tools::setup().and_then(|()| clients(&[], &[])),
        Some("pictures") => {
            tools::setup().and_then(|()| clients(&["console_readme"], &[("PICTURES", "write".as_ref())]))
        }
        Some("fuzz") => {
            let seconds = rest.first().and_then(|seconds| seconds.parse().ok()).unwrap_or(20);
            fuzz::run(seconds, fuzz::Build::Release)
        }
        Some("drill") => tools::setup().and_then(|()| drill::run(rest)),
        Some("ci") => {
            let outcome = ci();
            println!("{}", run::taken());
            outcome
        }
        Some("dependencies") => dependencies::check(),
        Some("generate") => generate::run(rest.iter().any(|argument| argument == "--check")),
        Some("platform-operations") => platform::run(rest.iter().any(|argument| argument == "--check")),
        Some("bench") => bench(rest),
        Some("setup") => tools::setup(),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command {other}; `cargo xtask help` lists them")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every step, also after one that failed: a run says all that is wrong.
fn ci() -> Outcome {
    tools::setup()?;
    run::all([
        step("formatting", || {
            run::cargo(&["fmt", "--all", "--check"])?;
            run::cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])
        }),
        // Checked here, not when fuzzing starts after everything else.
        step("lock file of the fuzz target", fuzz::locked),
        step("clippy", || {
            run::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])
        }),
        step("dependencies", dependencies::check),
        step("rustdoc", || {
            let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
            run::cargo_with(&arguments, &[("RUSTDOCFLAGS", "--deny warnings".as_ref())])
        }),
        step("build", build),
        step("generated documents", || generate::compare(true, &run::built("larkspur"))),
        test(),
        step("instructions of the hot handlers", || {
            bench(&["instructions".to_owned(), "--check".to_owned()])
        }),
    ])
}

/// Everything that is tested, once, with the features of the whole workspace: no crate is built twice.
fn build() -> Outcome {
    run::cargo(&["build", "--workspace", "--all-targets", "--locked", "--profile", run::PROFILE])
}

/// Enough for most changes: rules and scenarios, in process.
fn quick(rest: &[String]) -> Outcome {
    if rest.is_empty() {
        step("rules", || {
            let crates = ["larkspur-contract", "larkspur-store", "larkspur-api"];
            let packages = crates.iter().flat_map(|name| ["--package", *name]);
            run::cargo(&Vec::from_iter(["test", "--locked", "--lib"].into_iter().chain(packages)))
        })?;
    }
    let named: Vec<&str> = rest.iter().map(String::as_str).collect();
    let parts: &[&str] = if rest.is_empty() { &["scenarios", "policy", "source"] } else { &named };
    step("scenarios", || suite("sqlite", "dev", parts))
}

fn test() -> Outcome {
    tools::setup()?;
    run::all([
        rust(),
        clients(&[], &[]),
        step("failover drill", || drill::with_built(&["--short".to_owned()])),
        step("fuzz", || fuzz::run(8, fuzz::Build::Development)),
    ])
}

fn rust() -> Outcome {
    // Cargo lists a program's sources only if it is built, not as a part of `cargo test`; a test of the image reads the list.
    step("build", build)?;
    let observed = coverage::clean()?;
    run::all([
        step("Rust tests", || {
            let arguments = ["test", "--workspace", "--locked", "--no-fail-fast", "--profile", run::PROFILE];
            run::cargo_with(&arguments, &[("TEST_OBSERVED", observed.as_os_str())])
        }),
        step("Rust tests on PostgreSQL", || suite("postgres", run::PROFILE, SHARED)),
        step("Rust tests on tables divided by tenant", || suite("partitioned", run::PROFILE, DIVIDED)),
        step("contract coverage", coverage::check),
    ])
}

/// The parts of the suite that run on any store.
const SHARED: &[&str] = &[
    "scenarios",
    "races::callers",
    "races::seats",
    "policy",
    "faults",
    "properties::members",
    "properties::snapshots",
    "properties::differential::the_product",
];
/// As [`SHARED`], without the faults: failing statements do not depend on how a table is divided, and copying a
/// database with so many tables takes long.
const DIVIDED: &[&str] = &[
    "scenarios",
    "races::callers",
    "races::seats",
    "policy",
    "properties::members",
    "properties::snapshots",
    "properties::differential::the_product",
];

/// Runs parts of the suite on stores of another kind.
fn suite(store: &str, profile: &str, parts: &[&str]) -> Outcome {
    // With the features of the whole workspace, as before: nothing is built again.
    let test = ["test", "--locked", "--workspace", "--profile", profile, "--test", "suite", "--"];
    run::cargo_with(&[&test, parts].concat(), &[("TEST_STORE", store.as_ref())])
}

/// Runs the client tests, or some parts of them, with more variables.
fn clients(parts: &[&str], more: &[(&str, &OsStr)]) -> Outcome {
    step("build", build)?;
    let program = run::built("larkspur");
    let python = tools::python()?;
    tools::node()?;
    step("clients", || {
        let arguments = [&["tests/clients/run.py"], parts].concat();
        run::command(python.as_os_str(), &arguments, &[&[("LARKSPUR", program.as_os_str())], more].concat())
    })
}

fn bench(rest: &[String]) -> Outcome {
    // Instructions are counted inside the benchmark program.
    if rest.first().is_some_and(|first| first == "instructions") {
        build()?;
        let program = run::built("larkspur-bench");
        let arguments: Vec<&str> = rest.iter().map(String::as_str).collect();
        return run::command(program.as_os_str(), &arguments, &[]);
    }
    // As it is released. It is nearly a separate build, since the yardsticks enable more features of shared dependencies.
    run::cargo(&["build", "--release", "--locked", "--package", "larkspur-server"])?;
    let mut arguments = vec!["run", "--release", "--locked", "--quiet", "--package", "larkspur-bench", "--"];
    arguments.extend(rest.iter().map(String::as_str));
    run::cargo(&arguments)
}
