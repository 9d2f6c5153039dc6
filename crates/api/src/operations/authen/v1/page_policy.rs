//! What the authorize page refuses and promises.

use larkspur_contract::{Basis, Behaviour, Code, codes};

/// What both forms of the page, and its answer, may refuse with.
pub(crate) const CODES: &[Code] = &[
    codes::OAUTH_PARAM_MISSING,
    codes::OAUTH_APP_NOT_INSTALLED,
    codes::OAUTH_SCOPE_NOT_GRANTED_TO_APP,
    codes::OAUTH_REDIRECT_UNREGISTERED,
    codes::OAUTH_NO_SUCH_APP,
    codes::OAUTH_MALFORMED,
    codes::OAUTH_SCOPE_TWICE,
    codes::OAUTH_APP_NOT_ENABLED,
    codes::PICKER_OFF,
];

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "user_picker",
        rule: "No user has a password: the page lets its reader pick any active user who sees the app. In production mode it is off unless the setting is `on`.",
        basis: Basis::Assumed,
        switch: true,
    },
    Behaviour {
        name: "page_language",
        rule: "Pages, those of refusals too, are Chinese or English: what the parameter `lang` says (`zh`, `en`), else what Accept-Language prefers, else English. A link on the page leads to the other language.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_response_type",
        rule: "response_type may be missing, though the page demands it: most programs leave it out. Anything but code is refused.",
        basis: Basis::Observed,
        switch: false,
    },
    Behaviour {
        name: "redirect_uris",
        rule: "A registered address must be met exactly, but for the fragment. An app without any registered address may redirect to any on this machine (localhost, 127.0.0.0/8, ::1).",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_sizes",
        rule: "A code_challenge has 43 to 128 letters, digits and - . _ ~ (RFC 7636, 4.2). state and redirect_uri have at most 2048 bytes, name at most 100 characters. Others are 20063.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_own_page",
        rule: "An answer of the page is taken from the page alone (else 5275419): by what browsers say of where it comes from (Origin, Sec-Fetch-Site), and by a token in the form, which is good for an hour and for the same request.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_page_always_asks",
        rule: "The page is shown even if everything was granted before, with and without prompt=consent, since a user must be picked.",
        basis: Basis::Assumed,
        switch: false,
    },
];
