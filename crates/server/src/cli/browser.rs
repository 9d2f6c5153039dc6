//! Opens a URL in the browser of a desktop.

use std::process::{Command, Stdio};

/// The program that opens URLs, and its arguments before the URL.
#[cfg(target_os = "macos")]
const OPENER: (&str, &[&str]) = ("open", &[]);
/// The program that opens URLs, and its arguments before the URL.
#[cfg(windows)]
const OPENER: (&str, &[&str]) = ("cmd", &["/c", "start", ""]);
/// The program that opens URLs, and its arguments before the URL.
#[cfg(not(any(windows, target_os = "macos")))]
const OPENER: (&str, &[&str]) = ("xdg-open", &[]);

/// Opens a URL. The result of the browser itself is unknown.
pub(super) fn open(url: &str) -> Result<(), String> {
    let (program, arguments) = OPENER;
    let has_desktop = cfg!(any(windows, target_os = "macos"))
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if !has_desktop {
        return Err("there is no desktop to open a browser on".to_owned());
    }
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = started.map_err(|error| format!("cannot open a browser with {program}: {error}"))?;
    // It may run as long as the browser, and is no business of this program after that.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Opens a link to the console. A failure is a line on standard error: the server runs on.
pub(super) fn open_or_complain(link: Option<&str>) {
    let opened = link.ok_or_else(|| "no console is served here, so there is nothing to open".to_owned());
    if let Err(why) = opened.and_then(open) {
        super::complain(&format!("{why}: open the link by hand"));
    }
}
