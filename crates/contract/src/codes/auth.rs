//! Signing in: of apps (`auth`) and of users (`authen`, `oauth`).

use super::Code;

codes! {
    // auth/v3: HTTP 200, fields at the top level
    AUTH_PARAM_INVALID = 10003, 200, "invalid param";
    APP_SECRET_INVALID = 10014, 200, "app secret invalid";
    APP_ID_UNKNOWN = 10014, 200, "app id not exists";
    APP_TICKET_INVALID = 10012, 200, "app_ticket invalid";
    APP_NOT_ISV = 10016, 200, "app resend fail";
    TENANT_HAS_NOT_INSTALLED = 20009, 200, "tenant has not installed app";
    APP_TOKEN_REJECTED = 99991664, 200, "invalid app token";
    // authen/v2/oauth/token and the authorize page: the members of RFC 6749
    OAUTH_PARAM_MISSING = 20001, 400, "The request is missing a required parameter.";
    OAUTH_SECRET_INVALID = 20002, 400, "The client secret is invalid.";
    OAUTH_CODE_NOT_FOUND = 20003, 400, "The authorization code is not found. Please note that an authorization code can only be used once.";
    OAUTH_CODE_EXPIRED = 20004, 400, "The authorization code has expired.";
    OAUTH_USER_ABSENT = 20008, 400, "The user does not exist.";
    OAUTH_APP_NOT_INSTALLED = 20009, 400, "The specified app is not installed.";
    OAUTH_USER_NOT_PERMITTED = 20010, 400, "The user does not have permission to use this app.";
    OAUTH_CLIENT_MISMATCH = 20024, 400, "The provided authorization code or refresh token does not match the provided client ID.";
    OAUTH_REFRESH_INVALID = 20026, 400, "The refresh token passed is invalid. Please check the value.";
    OAUTH_SCOPE_NOT_GRANTED_TO_APP = 20027, 400, "The app has not been granted one of the requested scopes.";
    OAUTH_REDIRECT_UNREGISTERED = 20029, 400, "The redirect_uri is invalid: it is not among the redirect URLs of the app.";
    OAUTH_GRANT_TYPE = 20036, 400, "The specified grant_type is not supported.";
    OAUTH_REFRESH_EXPIRED = 20037, 400, "The refresh token passed has expired. Please generate a new one.";
    OAUTH_NO_SUCH_APP = 20048, 400, "The specified app does not exist.";
    OAUTH_PKCE = 20049, 400, "PKCE code challenge failed.";
    OAUTH_SERVER_ERROR = 20050, 500, "An unexpected server error occurred. Please retry your request.";
    OAUTH_MALFORMED = 20063, 400, "The request is malformed. Please check your request.";
    OAUTH_TOO_LARGE = 20063, 413, "The request is malformed. Please check your request.";
    OAUTH_REFRESH_REVOKED = 20064, 400, "The refresh token has been revoked. Please note that a refresh token can only be used once.";
    OAUTH_CODE_USED = 20065, 400, "The authorization code has been used. Please note that an authorization code can only be used once.";
    OAUTH_USER_STATUS = 20066, 400, "The user status is invalid.";
    OAUTH_SCOPE_TWICE = 20067, 400, "The provided scope list contains duplicate scopes. Please ensure all scopes are unique.";
    OAUTH_SCOPE_NOT_PERMITTED = 20068, 400, "The provided scope list contains scopes that are not permitted. Please ensure all scopes are allowed.";
    OAUTH_APP_NOT_ENABLED = 20069, 400, "The specified app is not enabled.";
    OAUTH_TWO_METHODS = 20070, 400, "Multiple authentication methods were provided. Please use only one to proceed.";
    OAUTH_REDIRECT_MISMATCH = 20071, 400, "The provided redirect URI does not match the one used during authorization.";
    OAUTH_UNAVAILABLE = 20072, 503, "The server is temporarily unavailable. Please retry your request.";
    OAUTH_REFRESH_USED = 20073, 400, "The refresh token has been used. Please note that a refresh token can only be used once.";
    OAUTH_REFRESH_NOT_ALLOWED = 20074, 400, "The specified app is not allowed to refresh token.";
    // The historic authen/v1: HTTP 200
    AUTHEN_PARAM_INVALID = 20001, 200, "Invalid request. Please check request param";
    AUTHEN_GRANT_UNKNOWN = 20001, 200, "invalid request, grant_type should be authorization_code or refresh_token";
    AUTHEN_CODE_INVALID = 20003, 200, "The code passed is invalid. Please note that the code could only be used once";
    AUTHEN_CODE_EXPIRED = 20004, 200, "The code passed has expired. Please generate a new one";
    AUTHEN_USER_ABSENT = 20008, 200, "User not exist";
    AUTHEN_APP_TOKEN_INVALID = 20014, 200, "The app access token passed is invalid. Please check the value";
    AUTHEN_USER_RESIGNED = 20021, 200, "User resigned";
    AUTHEN_USER_FROZEN = 20022, 200, "User frozen";
    AUTHEN_CLIENT_MISMATCH = 20024, 200, "App id in user_access_token or refresh_token diff with app id in app_access_token or tenant_access_token. Please keep the app id consistent";
    AUTHEN_REFRESH_INVALID = 20026, 200, "The refresh token passed is invalid. Please check the value";
    AUTHEN_GRANT_TYPE = 20036, 200, "The grant_type passed is not supported";
    AUTHEN_REFRESH_EXPIRED = 20037, 200, "The refresh token passed has expired. Please generate a new one";
    AUTHEN_APP_DISABLED = 20042, 200, "App disabled";
}

/// The codes that the OAuth endpoints answer in place of `GATEWAY`. They are implied, too.
pub const OAUTH_GATEWAY: &[Code] = &[OAUTH_MALFORMED, OAUTH_TOO_LARGE, OAUTH_SERVER_ERROR, OAUTH_UNAVAILABLE];

/// The `error` member that RFC 6749 and RFC 6750 define for a code of the OAuth endpoints.
pub fn oauth_error(code: Code) -> &'static str {
    match code.number {
        20002 | 20048 | 20069 | 20070 => "invalid_client",
        20003 | 20004 | 20008 | 20009 | 20010 | 20024 | 20026 | 20037 | 20049 | 20064 | 20065 | 20066
        | 20071 | 20073 => "invalid_grant",
        20027 | 20067 | 20068 => "invalid_scope",
        20036 => "unsupported_grant_type",
        20074 => "unauthorized_client",
        20072 | 99_991_400 => "temporarily_unavailable",
        20050 => "server_error",
        _ => "invalid_request",
    }
}

/// The code that the OAuth endpoints answer in place of a gateway code; their own codes are unchanged.
pub fn oauth_instead(code: Code) -> Code {
    match (code.number, code.status) {
        (9499, 413) => OAUTH_TOO_LARGE,
        (9499, _) => OAUTH_MALFORMED,
        (2200, _) => OAUTH_SERVER_ERROR,
        (5000 | 5_275_503, _) => OAUTH_UNAVAILABLE,
        _ => code,
    }
}
