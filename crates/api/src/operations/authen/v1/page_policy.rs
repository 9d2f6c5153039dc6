//! Codes and behaviors of the authorize page.

use larkspur_contract::{Basis, Behaviour, Code, codes};

/// Codes of both forms of the page, and of its form.
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
        rule: "Users have no passwords: on the page, a visitor picks any active user who sees the app. In production mode the page is off unless the setting is `on`.",
        basis: Basis::Assumed,
        switch: true,
    },
    Behaviour {
        name: "page_language",
        rule: "All pages, including refusals, are in Chinese or English: the parameter `lang` decides (`zh`, `en`), then Accept-Language; the default is English. A link on the page switches the language.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_response_type",
        rule: "response_type is optional, although the page requires it: most programs omit it. Any value except code is refused.",
        basis: Basis::Observed,
        switch: false,
    },
    Behaviour {
        name: "redirect_uris",
        rule: "redirect_uri must equal a registered URL, except for the fragment. An app without registered URLs may redirect to any URL on this machine (localhost, 127.0.0.0/8, ::1).",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_sizes",
        rule: "A code_challenge has 43 to 128 letters, digits and - . _ ~ (RFC 7636, 4.2). state and redirect_uri have at most 2048 bytes, name at most 100 characters. Other values are 20063.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_own_page",
        rule: "The page's form is accepted only from the page itself (otherwise 5275419). The server checks the browser's Origin and Sec-Fetch-Site headers, and a token in the form, which is valid for an hour and for the same request.",
        basis: Basis::Assumed,
        switch: false,
    },
    Behaviour {
        name: "authorize_page_always_asks",
        rule: "The page is always shown, even if everything was granted before, because a user must be picked; prompt=consent makes no difference.",
        basis: Basis::Assumed,
        switch: false,
    },
];
