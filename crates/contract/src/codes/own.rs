//! Larkspur's own codes.

use super::Code;

codes! {
    // Larkspur's own control API
    CONTROL_KEY_INVALID = 5275401, 401, "control key missing or wrong: send Authorization: Bearer <control key>, which `larkspur serve` prints at start and writes to its ready file";
    CONTROL_PARAM_INVALID = 5275400, 400, "invalid parameter";
    CONTROL_NOT_FOUND = 5275404, 404, "no such object";
    PICKER_OFF = 5275403, 403, "this server does not let a user be picked without a password, as always in production mode (behaviours.user_picker = \"on\" allows it)";
    FORM_FOREIGN = 5275419, 403, "this answer does not come from this server's own sign-in page, or the page is older than an hour: open the page again";
    HOST_UNKNOWN = 5275421, 421, "the Host header is not a name that this server knows, and in test mode it answers this request under known names only: add the name to [http] hosts, or serve with --mode production";
    CONTROL_CONFLICT = 5275409, 409, "already exists";
    /// An assertion about recorded calls or events failed, and the caller asked for a status.
    CHECK_FAILED = 5275412, 412, "the assertion failed";
    TOO_MANY_STREAMS = 5275429, 429, "too many streams are open: close one";
    // The console
    CONSOLE_OFF = 5275414, 404, "this server prints no links: it listens on an address that other machines reach, or the console is off; sign in with the control key";
    CONSOLE_LINK_INVALID = 5275416, 401, "the link was used already, or is older than 10 minutes: `larkspur console` prints a new one";
    CONSOLE_SIGNED_OUT = 5275417, 401, "no session: open the link that `larkspur console` prints, or sign in with the control key";
    CONSOLE_FOREIGN = 5275418, 403, "the request relies on the cookie of the console, and does not come from its page: reload the console, or send Authorization: Bearer <control key>";
    CONSOLE_HOST_UNKNOWN = 5275422, 421, "the console answers only under localhost and 127.0.0.1 with the port of the server, or under the host of [console] url";
    CONSOLE_TRIES_USED = 5275430, 429, "too many wrong keys or links from this address: wait a minute";
    // Larkspur's answer for operations that the platform has and Larkspur does not serve
    UNSERVED = 5275501, 501, "Larkspur does not serve ";
    // Larkspur's own, for any operation
    READ_ONLY = 5275503, 503, "this server is read-only: it was started with --read-only and refuses calls that write";
}

/// The codes that any operation of the control API may answer: its own gateway's.
pub const CONTROL_GATEWAY: &[Code] =
    &[CONTROL_KEY_INVALID, CONSOLE_SIGNED_OUT, CONSOLE_FOREIGN, CONSOLE_HOST_UNKNOWN];

/// The wire text for an operation that the platform has and Larkspur does not serve.
pub fn unserved_text(operation: &str, method: &str, path: &str) -> String {
    format!("{}{operation} ({method} {path})", UNSERVED.text)
}
