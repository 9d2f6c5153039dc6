//! Helpers for many tests.

use std::process::Command;

/// A PNG of this size, as far as its header, which is all that an upload checks.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Runs a small program that must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    let status = status.unwrap_or_else(|error| panic!("this test needs the program `{program}`: {error}"));
    assert!(status.success(), "{program} {arguments:?}: {status}");
}
