//! Apps, their scopes and bots (`application`, `bot`).

use super::Code;

codes! {
    CONFIG_PARAM_INVALID = 210031, 400, "Param is invalid";
    CONFIG_APP_UNKNOWN = 210032, 404, "The specified application does not exist";
    CONFIG_APP_ISV = 210034, 400, "This API only does not support to update ISV App, only support to update Self-Built App";
    CONFIG_OTHER_APP = 210036, 403, "Lack of permission to update other app.";
    CONFIG_USER_DENIED = 210037, 403, "The current user has no permission to modify the app configurations";
    CONFIG_NEEDS_BOT = 210041, 400, "The scope that parameter indicated needs robot ability to be enable first.";
    CONFIG_URL_FAILED = 210042, 400, "The validation for event.request_url failed.";
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
