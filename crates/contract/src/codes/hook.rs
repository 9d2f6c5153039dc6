//! What the URL of a custom bot answers, with HTTP 200. Source: the guide to custom bots, the code table, and live answers.

use super::Code;

codes! {
    HOOK_TOO_OFTEN = 11232, 200, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]";
    /// The errors of the card follow.
    HOOK_CARD_REFUSED = 11246, 200, "Failed to create card content, ext=";
    HOOK_TOKEN_INVALID = 19001, 200, "param invalid: incoming webhook access token invalid";
    HOOK_TYPE_MISSING = 19002, 200, "params error, msg_type need";
    HOOK_CARD_UNKNOWN = 19002, 200, "params error, unknown card value";
    HOOK_CONTENT_UNKNOWN = 19002, 200, "params error, unknown content value";
    HOOK_SIGN_INVALID = 19021, 200, "sign match fail or timestamp is not within one hour from current time";
    HOOK_ADDRESS_NOT_ALLOWED = 19022, 200, "Ip Not Allowed";
    HOOK_KEYWORDS_NOT_FOUND = 19024, 200, "Key Words Not Found";
    HOOK_TOO_LONG = 19036, 200, "The message exceeds the size limit of 30KB";
    HOOK_SENSITIVE = 230051, 200, "The message hits DLP control, failed to send";
}
