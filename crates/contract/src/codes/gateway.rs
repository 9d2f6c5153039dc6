//! Codes that the gateway answers for any operation.

use super::{Code, READ_ONLY};

codes! {
    TOKEN_MISSING = 99991661, 400, "Missing access token for authorization. Please make a request with token attached.";
    APP_DISABLED = 99991662, 400, "app not in use";
    TOKEN_INVALID = 99991663, 400, "Invalid access token for authorization. Please make a request with token attached.";
    APP_TOKEN_INVALID = 99991664, 400, "invalid app token";
    TENANT_CODE_INVALID = 99991665, 400, "invalid tenant code";
    USER_TOKEN_INVALID = 99991668, 400, "Invalid access token for authorization. Please make a request with token attached.";
    USER_TOKEN_UNSUPPORTED = 99991668, 400, "user access token not support";
    TOKEN_PREFIX_UNKNOWN = 99991671, 400, "Invalid token: must start with t-/u-";
    SCOPE_MISSING = 99991672, 400, "Access denied. One of the following scopes is required: ";
    APP_NOT_INSTALLED = 99991673, 400, "unauthorized app";
    TOKEN_EXPIRED = 99991677, 400, "token expire";
    USER_SCOPE_MISSING = 99991679, 400, "Unauthorized. You do not have permission to perform the requested operation on the resource. Please request user re-authorization and try again. required one of these privileges under the user identity: ";
    RATE_LIMITED = 99991400, 429, "request trigger frequency limit";
    QUOTA_SPENT = 99991403, 400, "This month's API call quota has been exceeded";
    BAD_REQUEST = 9499, 400, "Bad Request";
    BODY_TOO_LARGE = 9499, 413, "Bad Request";
    FIELD_VALIDATION = 99992402, 400, "field validation failed";
    OPEN_ID_UNKNOWN = 99992351, 400, "The request you send is not a valid {open_id} or not exists";
    MESSAGE_ID_UNKNOWN = 99992354, 400, "The request you send is not a valid {open_message_id} or not exists";
    CHAT_ID_UNKNOWN = 99992356, 400, "The request you send is not a valid {open_chat_id} or not exists";
    USER_ID_UNKNOWN = 99992360, 400, "The request you send is not a valid {user_id} or not exists";
    OPEN_ID_CROSS_APP = 99992361, 400, "open_id cross app";
    UNION_ID_UNKNOWN = 99992363, 400, "The request you send is not a valid {union_id} or not exists";
    UNION_ID_NOT_EXISTED = 99992364, 400, "The request you send is not a valid {union_id} or not exists";
    USER_ID_CROSS_TENANT = 99992364, 400, "user id cross tenant";
    UNION_ID_CROSS_TENANT = 99992381, 400, "union_id cross tenant";
    INTERNAL = 2200, 500, "internal error";
    UNAVAILABLE = 5000, 503, "internal error";
}

/// The codes that the gateway may answer for any operation with a token, although the operation does not list them.
pub const GATEWAY: &[Code] = &[
    TOKEN_MISSING,
    APP_DISABLED,
    TOKEN_INVALID,
    APP_TOKEN_INVALID,
    TENANT_CODE_INVALID,
    USER_TOKEN_INVALID,
    USER_TOKEN_UNSUPPORTED,
    TOKEN_PREFIX_UNKNOWN,
    SCOPE_MISSING,
    APP_NOT_INSTALLED,
    TOKEN_EXPIRED,
    USER_SCOPE_MISSING,
    RATE_LIMITED,
    QUOTA_SPENT,
    BAD_REQUEST,
    BODY_TOO_LARGE,
    FIELD_VALIDATION,
    INTERNAL,
    UNAVAILABLE,
    READ_ONLY,
];

/// The wire text for a wrong JSON type (9499). Source: seen in live answers.
pub fn wrong_type_text(field: &str, value: &str) -> String {
    format!(
        "Invalid parameter type in json: {field}. Invalid parameter value: {value}. Please check and modify accordingly."
    )
}

/// The wire text for an unknown or malformed id in the gateway's id translation. Source: seen in live answers.
pub fn unknown_id_text(kind: &str, example: &str, ids: &[String]) -> String {
    format!(
        "The request you send is not a valid {{{kind}}} or not exists, and the example value is {{{example}}}. Invalid ids: [{}]. Please see field_violations for details and refer to API documentation to correct accordingly and resubmit",
        ids.join(" ")
    )
}
