//! Codes and behaviors of the two OAuth token endpoints.

use larkspur_contract::{Basis, Behaviour, Code, codes};

/// Codes of this endpoint and of the one of `oauth/v3`.
pub(crate) const CODES: &[Code] = &[
    codes::OAUTH_PARAM_MISSING,
    codes::OAUTH_SECRET_INVALID,
    codes::OAUTH_CODE_NOT_FOUND,
    codes::OAUTH_CODE_EXPIRED,
    codes::OAUTH_USER_ABSENT,
    codes::OAUTH_APP_NOT_INSTALLED,
    codes::OAUTH_USER_NOT_PERMITTED,
    codes::OAUTH_CLIENT_MISMATCH,
    codes::OAUTH_REFRESH_INVALID,
    codes::OAUTH_GRANT_TYPE,
    codes::OAUTH_REFRESH_EXPIRED,
    codes::OAUTH_NO_SUCH_APP,
    codes::OAUTH_PKCE,
    codes::OAUTH_MALFORMED,
    codes::OAUTH_REFRESH_REVOKED,
    codes::OAUTH_CODE_USED,
    codes::OAUTH_USER_STATUS,
    codes::OAUTH_SCOPE_TWICE,
    codes::OAUTH_SCOPE_NOT_PERMITTED,
    codes::OAUTH_APP_NOT_ENABLED,
    codes::OAUTH_TWO_METHODS,
    codes::OAUTH_REDIRECT_MISMATCH,
    codes::OAUTH_REFRESH_USED,
    codes::OAUTH_REFRESH_NOT_ALLOWED,
];

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "oauth_code_kept_on_refusal",
        rule: "Only a successful call uses up a code or refresh token; a refused call can be repeated.",
        basis: Basis::Assumed,
        switch: false,
    },
    CODE_REUSE,
    REFRESH_REUSE,
    Behaviour {
        name: "oauth_verifier_without_challenge",
        rule: "A code_verifier for a code that was requested without code_challenge is 20049 (RFC 9700, 2.1.1).",
        basis: Basis::Assumed,
        switch: false,
    },
    SIGN_IN_FREQUENCY,
    Behaviour {
        name: "oauth_basic",
        rule: "Id and secret can be sent as Authorization: Basic instead, each percent-encoded; a client_id in the body must be the same. Together with a client_secret in the body, this is 20070. A wrong secret is 20002 and does not use up the code, since OAuth libraries try Basic first and then the body.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "oauth_redirect_uri_optional",
        rule: "redirect_uri is compared only if it is sent.",
        basis: Basis::Documented,
        switch: false,
    },
];

/// A second call with one code.
pub(crate) const CODE_REUSE: Behaviour = Behaviour {
    name: "oauth_code_reuse",
    rule: "A code that was exchanged before is refused (20065, or 20003 on authen/v1), and every access and refresh token that it produced is revoked (RFC 6749, 4.1.2). Other sign-ins of the user are not affected.",
    basis: Basis::Assumed,
    switch: false,
};

/// A second call with one refresh token.
pub(crate) const REFRESH_REUSE: Behaviour = Behaviour {
    name: "oauth_refresh_reuse",
    rule: "A refresh token that was exchanged before is refused (20073, or 20026 on authen/v1), and every token of the same sign-in is revoked (RFC 9700, 4.14.2): the newest refresh token is then 20064, or 20026. Other sign-ins of the user are not affected.",
    basis: Basis::Assumed,
    switch: false,
};

/// How calls of the sign-in endpoints are counted.
pub(crate) const SIGN_IN_FREQUENCY: Behaviour = Behaviour {
    name: "sign_in_frequency",
    rule: "Calls are counted per app, across tenants, in real time: for the app of the token, otherwise for the app that the body names, before its secret is checked. The first call over the limit is 99991400, in the format of the endpoint's other refusals.",
    basis: Basis::Assumed,
    switch: false,
};

pub(crate) const DEVIATIONS: &[&str] = &[
    "Access tokens are JSON web tokens signed with HS256 under a key of the store, not with ES256.",
    "Refresh tokens are ur-…, as on the historic endpoints, not eyJ….",
];
