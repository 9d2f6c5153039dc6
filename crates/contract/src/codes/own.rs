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
    /// An assertion about recorded calls does not hold, if the caller asked for a status.
    CHECK_FAILED = 5275412, 412, "the recorded calls are not as wanted";
    TOO_MANY_STREAMS = 5275429, 429, "too many streams are open: close one";
    // Larkspur's answer for operations that the platform has and Larkspur does not serve
    UNSERVED = 5275501, 501, "Larkspur does not serve ";
    // Larkspur's own, for any operation
    READ_ONLY = 5275503, 503, "this server is read-only: it was started with --read-only and refuses calls that write";
}

/// The wire text for an operation that the platform has and Larkspur does not serve.
pub fn unserved_text(operation: &str, method: &str, path: &str) -> String {
    format!("{}{operation} ({method} {path})", UNSERVED.text)
}
