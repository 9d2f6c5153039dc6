//! Codes and behaviors of the historic endpoints of `authen/v1`.

use larkspur_contract::{Basis, Behaviour, Code, codes};

use crate::operations::authen::v2::oauth::policy::{CODE_REUSE, REFRESH_REUSE, SIGN_IN_FREQUENCY};

pub(crate) const CODE_CODES: &[Code] = &[
    codes::AUTHEN_PARAM_INVALID,
    codes::AUTHEN_GRANT_UNKNOWN,
    codes::AUTHEN_CODE_INVALID,
    codes::AUTHEN_CODE_EXPIRED,
    codes::AUTHEN_USER_ABSENT,
    codes::AUTHEN_APP_TOKEN_INVALID,
    codes::AUTHEN_USER_RESIGNED,
    codes::AUTHEN_USER_FROZEN,
    codes::AUTHEN_CLIENT_MISMATCH,
    codes::AUTHEN_GRANT_TYPE,
    codes::AUTHEN_APP_DISABLED,
];

pub(crate) const REFRESH_CODES: &[Code] = &[
    codes::AUTHEN_PARAM_INVALID,
    codes::AUTHEN_GRANT_UNKNOWN,
    codes::AUTHEN_USER_ABSENT,
    codes::AUTHEN_APP_TOKEN_INVALID,
    codes::AUTHEN_USER_RESIGNED,
    codes::AUTHEN_USER_FROZEN,
    codes::AUTHEN_CLIENT_MISMATCH,
    codes::AUTHEN_REFRESH_INVALID,
    codes::AUTHEN_GRANT_TYPE,
    codes::AUTHEN_REFRESH_EXPIRED,
    codes::AUTHEN_APP_DISABLED,
];

const BY_TENANT_TOKEN: Behaviour = Behaviour {
    name: "authen_by_tenant_token",
    rule: "A tenant token is accepted as app token, since for a custom app they are the same. Anything else, including a missing token, is 20014.",
    basis: Basis::Observed,
    switch: false,
};
const TOKEN_IN_BODY: Behaviour = Behaviour {
    name: "authen_app_token_in_body",
    rule: "Without Authorization: Bearer, access_token and refresh_access_token (not those of oidc) look for app_access_token in the body, because older sign-in libraries send it there.",
    basis: Basis::Observed,
    switch: false,
};
const GRANT_TYPE: Behaviour = Behaviour {
    name: "authen_grant_type",
    rule: "A missing or unknown grant_type is 20001 with its own text; the grant_type of the other endpoint is 20036.",
    basis: Basis::Observed,
    switch: false,
};
const SID: Behaviour = Behaviour {
    name: "authen_sid",
    rule: "sid is omitted, as on the page if it is empty: Larkspur has no client sessions.",
    basis: Basis::Observed,
    switch: false,
};

pub(crate) const BEHAVIOURS: &[Behaviour] =
    &[BY_TENANT_TOKEN, TOKEN_IN_BODY, GRANT_TYPE, SID, CODE_REUSE, REFRESH_REUSE];
pub(crate) const OIDC_BEHAVIOURS: &[Behaviour] =
    &[BY_TENANT_TOKEN, GRANT_TYPE, CODE_REUSE, REFRESH_REUSE, SIGN_IN_FREQUENCY];
