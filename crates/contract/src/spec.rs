//! The description of an operation: one constant that the gateway and every generated document read.

use crate::{Code, EventType, Fault, Scope, codes};

/// Everything the gateway needs to know about an operation, and everything the documents print.
///
/// There are no defaults: a missing policy does not compile.
#[derive(Debug)]
pub struct Spec {
    /// `project.version.resource.verb`: the name in metrics, logs, the CLI and the coverage table.
    pub id: &'static str,
    /// One line of description.
    pub summary: &'static str,
    /// The page of the public documentation, relative to its reference section; empty for Larkspur's own operations.
    pub reference: &'static str,
    /// Method and path.
    pub route: Route,
    /// Who may call it.
    pub access: Access,
    /// The rate limit, for each app in each tenant.
    pub rate: Rate,
    /// Whether it changes state.
    pub effect: Effect,
    /// The format of the request body.
    pub consumes: Consumes,
    /// The format of the response.
    pub reply: Reply,
    /// The code for a request that does not match the schema, with `field_violations`.
    pub invalid: Code,
    /// Every business code that it may answer. Gateway codes are implied.
    pub codes: &'static [Code],
    /// Pairs of a code that a shared check answers and the code that this page lists instead.
    /// The operation answers with the latter.
    pub recodes: &'static [(Code, Code)],
    /// The events that it may emit. Each pair is provoked by a test.
    pub emits: &'static [&'static EventType],
    /// An example body (or query string, if there is no body) that works on a fresh demo world.
    pub example: &'static str,
    /// Decisions where the documents are silent.
    pub behaviours: &'static [Behaviour],
    /// Known differences from the documents.
    pub deviations: &'static [&'static str],
}

impl Spec {
    /// The code with this number, if a test may plan it for the operation: its page lists the code, or it is one of the
    /// gateway's transient codes.
    pub fn plannable(&self, number: u32) -> Option<Code> {
        let passing = [&self.invalid, &codes::RATE_LIMITED, &codes::INTERNAL, &codes::UNAVAILABLE];
        let mut all = self.codes.iter().chain(passing);
        all.find(|code| code.number == number).copied()
    }

    /// Replaces the code of a refusal by the one that the page lists; see [`Spec::recodes`].
    pub fn recoded(&self, fault: Fault) -> Fault {
        match self.recodes.iter().find(|(ordinary, _)| fault.code() == *ordinary) {
            Some((_, listed)) => fault.with_code(*listed),
            None => fault,
        }
    }

    /// Whether it accepts an app's own token, in the header or in the body.
    pub fn is_for_apps(&self) -> bool {
        matches!(self.access, Access::App | Access::AppOrBody)
    }

    /// Whether the page's code answers for all parameters; see [`PAGE_SPEAKS`].
    pub fn page_speaks(&self) -> bool {
        self.behaviours.iter().any(|behaviour| behaviour.name == PAGE_SPEAKS.name)
    }

    /// The code for a query parameter that is missing, out of range or not an allowed value.
    ///
    /// For operations that need a token it is the gateway's 99992402, whatever code the page has for parameters.
    /// Source: observed on several operations, without exception.
    pub fn invalid_query(&self) -> Code {
        match self.access {
            Access::Token { .. } if !self.page_speaks() => codes::FIELD_VALIDATION,
            _ => self.invalid,
        }
    }
}

/// For operations whose page has one code and one text for every invalid request. That code also answers for
/// query parameters, and its text has no cause.
pub const PAGE_SPEAKS: Behaviour = Behaviour {
    name: "page_speaks",
    rule: "Every violation, including those of query parameters (elsewhere 99992402), is answered with the page's code and exactly its text, without a cause (elsewhere `, ext=…`).",
    basis: Basis::Documented,
    switch: false,
};

/// Method and path of an operation. Parameters are written `{name}`.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, from the root.
    pub path: &'static str,
}

/// The methods that operations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The name of the method on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A GET route.
pub const fn get(path: &'static str) -> Route {
    Route { method: Method::Get, path }
}
/// A POST route.
pub const fn post(path: &'static str) -> Route {
    Route { method: Method::Post, path }
}
/// A PUT route.
pub const fn put(path: &'static str) -> Route {
    Route { method: Method::Put, path }
}
/// A PATCH route.
pub const fn patch(path: &'static str) -> Route {
    Route { method: Method::Patch, path }
}
/// A DELETE route.
pub const fn delete(path: &'static str) -> Route {
    Route { method: Method::Delete, path }
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Any caller: credentials, if any, are in the request itself. An `Authorization` header is ignored.
    Open,
    /// The holder of the control key.
    Control,
    /// An app, with its `app_access_token`: the tenant token of a custom app, the `a-…` token of an ISV app.
    App,
    /// Like [`Access::App`]; without an `Authorization: Bearer` header, the operation takes the token from its body.
    AppOrBody,
    /// The holder of an access token.
    Token {
        /// The accepted kinds of token.
        tokens: Tokens,
        /// The caller needs one of these scopes; empty means none is needed.
        scopes: &'static [Scope],
        /// Whether the app needs the bot ability.
        bot: Bot,
    },
}

impl Access {
    /// A tenant token of an app with one of these scopes; if the list is empty, of any app.
    pub const fn tenant(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::Tenant, scopes, bot: Bot::NotRequired }
    }

    /// A user token that was granted one of these scopes; if the list is empty, any user token.
    pub const fn user(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::User, scopes, bot: Bot::NotRequired }
    }

    /// A token of either kind with one of these scopes; if the list is empty, any token.
    pub const fn tenant_or_user(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::TenantOrUser, scopes, bot: Bot::NotRequired }
    }

    /// Who may call, in words.
    pub const fn words(&self) -> &'static str {
        match self {
            Access::Open => "open",
            Access::Control => "control key",
            Access::App => "app",
            Access::AppOrBody => "app, or its token in the body",
            Access::Token { tokens: Tokens::Tenant, .. } => "tenant",
            Access::Token { tokens: Tokens::User, .. } => "user",
            Access::Token { tokens: Tokens::TenantOrUser, .. } => "tenant or user",
        }
    }

    /// The scopes, any of which is enough.
    pub const fn scopes(&self) -> &'static [Scope] {
        match self {
            Access::Token { scopes, .. } => scopes,
            Access::Open | Access::Control | Access::App | Access::AppOrBody => &[],
        }
    }

    /// The kinds of access token that are accepted: `tenant`, `user`.
    pub const fn tokens(&self) -> &'static [&'static str] {
        match self {
            Access::Token { tokens: Tokens::Tenant, .. } => &["tenant"],
            Access::Token { tokens: Tokens::User, .. } => &["user"],
            Access::Token { tokens: Tokens::TenantOrUser, .. } => &["tenant", "user"],
            Access::Open | Access::Control | Access::App | Access::AppOrBody => &[],
        }
    }

    /// The same, for a page that requires the bot ability; see [`Bot::Required`].
    pub const fn with_bot(self) -> Access {
        match self {
            Access::Token { tokens, scopes, .. } => Access::Token { tokens, scopes, bot: Bot::Required },
            other => other,
        }
    }
}

/// The access tokens that an operation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// `tenant_access_token`: the operator is the app's bot.
    Tenant,
    /// `user_access_token`: the operator is that user.
    User,
    /// Either.
    TenantOrUser,
}

/// Whether an operation needs the app's bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bot {
    /// The page requires the bot ability and has its own codes for an app without it and for an app that is not in use;
    /// the operation answers them, in its own order.
    Required,
    /// The page does not mention it; the gateway refuses an app that is not in use.
    NotRequired,
}

/// A rate tier: a call is refused if one of its windows is full.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The tier as the documentation prints it.
    pub name: &'static str,
    /// Its windows; none means unlimited.
    pub windows: &'static [Window],
    /// The HTTP status over the limit, where a page prints one; `None` for that of the setting.
    pub status: Option<u16>,
}

impl Rate {
    /// The same limit, for a page that prints HTTP 400 for calls over it.
    #[must_use]
    pub const fn as_bad_request(self) -> Rate {
        Rate { name: self.name, windows: self.windows, status: Some(400) }
    }
}

/// A number of calls per number of seconds.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Calls allowed in the window.
    pub cap: u32,
    /// Length of the window in seconds.
    pub seconds: u32,
}

/// Whether an operation changes state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads only: may run on a reader.
    Reads,
    /// Writes: runs in a write transaction.
    Writes,
}

/// The format of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumes {
    /// No body. If one is sent, it is not read, whatever its content and length. Source: observed; clients send `null`,
    /// `{}` and forms with calls that take no body.
    Nothing,
    /// A JSON object, whatever the `Content-Type` says; an empty body and `null` are `{}`.
    Json,
    /// `application/x-www-form-urlencoded` if the `Content-Type` says so and the body is not a JSON object, otherwise
    /// as [`Consumes::Json`].
    Form,
    /// Anything: the operation reads the bytes itself, in its own order of checks. They are in the place of a file.
    /// The shape of the body only documents what they are.
    Raw,
    /// `multipart/form-data`; the file part has the name given here, or `file`.
    Multipart {
        /// The name of the part that carries the file.
        file: &'static str,
        /// The most bytes of a file that the operation accepts. The gateway reads somewhat more, so that the operation
        /// refuses a larger file with its own code.
        most: usize,
    },
}

/// The format of a successful response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// `{"code":0,"msg":…,"data":{…}}` with this `msg`.
    Data(&'static str),
    /// The members are beside `code` and `msg`; failures carry `"data":{}`, as in auth/v3.
    FlatAuth(&'static str),
    /// The members are beside `code` and `msg`; failures are the ordinary ones.
    Flat(&'static str),
    /// Bytes with their own content type.
    Bytes,
    /// Server-sent events, until the client or the server ends them.
    Events,
    /// As in RFC 6749: the members are beside `code`, and failures are `{code, error, error_description}`.
    OAuth,
    /// As the URL of a custom bot: success in both of its shapes at once, failures as `{code, data, msg}`. The rate limit is
    /// each custom bot's, with its own code.
    Hook,
    /// For a browser: a page or a redirect. Failures are pages, too.
    Page,
}

/// A named decision where the documents are silent.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// A short name; if there is a switch, the name of its setting.
    pub name: &'static str,
    /// What Larkspur does.
    pub rule: &'static str,
    /// Its basis.
    pub basis: Basis,
    /// Whether a setting changes it.
    pub switch: bool,
}

/// The basis of a behavior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The public pages say so.
    Documented,
    /// Seen in published live answers.
    Observed,
    /// Neither: the least surprising choice.
    Assumed,
}

impl Basis {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Basis::Documented => "documented",
            Basis::Observed => "observed",
            Basis::Assumed => "assumed",
        }
    }
}
