//! Coverage-guided fuzzing of the gateway's decode step, of frames of long connections, of content of messages and of cards, with
//! libFuzzer on the stable compiler.

use std::ffi::OsStr;

use crate::run::{self, Outcome};

/// The instrumentation for libFuzzer; these compiler flags are stable.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cdebug-assertions --cfg fuzzing";

/// Checks that the lock file matches the fuzz target's dependencies.
pub(crate) fn locked() -> Outcome {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--manifest-path", "fuzz/Cargo.toml"];
    run::output(std::path::Path::new(env!("CARGO")), &arguments).map(drop).map_err(|error| {
        format!("{error}\nrun `cargo metadata --format-version 1 --manifest-path fuzz/Cargo.toml` and commit fuzz/Cargo.lock")
    })
}

/// The targets: program, folder of the seeds, and share of the time in tenths.
const TARGETS: [(&str, &str, u32); 4] = [
    ("decode", "fuzz/seeds", 7),
    ("frame", "fuzz/frames", 1),
    ("content", "fuzz/contents", 1),
    ("card", "fuzz/cards", 1),
];

/// How the targets are built.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// Soon: for a short run.
    Development,
    /// Optimized: several times as many inputs a second, after a build that takes minutes.
    Release,
}

/// Fuzzes for this many seconds.
pub(crate) fn run(seconds: u32, build: Build) -> Outcome {
    let target = run::target().join("fuzz");
    let (profile, folder) = match build {
        Build::Development => ("dev", "debug"),
        Build::Release => ("release", "release"),
    };
    let build = [
        "build",
        "--locked",
        "--profile",
        profile,
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target",
        "x86_64-unknown-linux-gnu",
    ];
    run::cargo_with(&build, &[("RUSTFLAGS", OsStr::new(FLAGS)), ("CARGO_TARGET_DIR", target.as_os_str())])?;
    for (name, seeds, share) in TARGETS {
        let corpus = target.join(format!("corpus-{name}"));
        std::fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
        let program = target.join(format!("x86_64-unknown-linux-gnu/{folder}/{name}"));
        let limit = format!("-max_total_time={}", (seconds * share / 10).max(1));
        let corpus = corpus.to_string_lossy();
        let options = ["-max_len=4096", "-timeout=10", "-verbosity=0", "-print_final_stats=1"];
        let arguments = [&[&*corpus, seeds, &limit], &options[..]].concat();
        run::command(program.as_os_str(), &arguments, &[])?;
    }
    Ok(())
}
