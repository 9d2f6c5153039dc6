//! Apps, their scopes and bots (`application`, `bot`).

use super::Code;

codes! {
    APPLICATION_ID_INVALID = 210503, 400, "invalid app_id";
    APPLICATION_NOT_IN_TENANT = 210504, 400, "no such app in tenant";
    APPLICATION_NOT_CUSTOM = 210505, 400, "target app not a custom app";
    APPLICATION_UNKNOWN = 210506, 400, "no such app";
    APPLICATION_LEVEL_TOO_LOW = 210508, 400, "insufficient permission level";
    SCOPES_ONLY_SUPER = 212001, 400, "only super scope unauthorized";
    SCOPES_ALL_GRANTED = 212002, 400, "unauthorized scopes were empty";
    SCOPES_OVER_LIMIT = 212003, 400, "approval over limit";
    SCOPES_APPLIED_ALREADY = 212004, 400, "duplicate apply";
    SCOPES_APP_NOT_INSTALLED = 212100, 400, "app not install";
}

/// Number and reason for a bot that is not listed, in a call that itself succeeds. Source: tests of clients.
pub const LISTED_BOT_NOT_FOUND: (u32, &str) = (20002, "bot not found");
