//! The description of an operation: one constant of data, read by the gateway and by every generated document.

use crate::{Code, EventType, Fault, Scope, codes};

/// Everything the gateway needs to know of an operation, and everything the documents print.
///
/// There are no defaults: a forgotten policy does not compile.
#[derive(Debug)]
pub struct Spec {
    /// `project.version.resource.verb`, the name in metrics, logs, the CLI and the coverage table.
    pub id: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// The page of the public documentation, relative to its reference section; empty for Larkspur's own operations.
    pub reference: &'static str,
    /// Method and path.
    pub route: Route,
    /// Who may call.
    pub access: Access,
    /// How often, for each app in each tenant.
    pub rate: Rate,
    /// What it does to state.
    pub effect: Effect,
    /// The form of the request body.
    pub consumes: Consumes,
    /// The form of the answer.
    pub reply: Reply,
    /// What a request that does not fit the schema is answered with, `field_violations` attached.
    pub invalid: Code,
    /// Every business code it may answer. Gateway codes are implied.
    pub codes: &'static [Code],
    /// Where the page lacks the code of a check that operations share: that code, and the one that the page lists for it.
    /// The operation answers with the latter.
    pub recodes: &'static [(Code, Code)],
    /// The events that it may emit. Each pair is provoked by a test.
    pub emits: &'static [&'static EventType],
    /// A body (or, where there is none, a query string) that works on a fresh demo world.
    pub example: &'static str,
    /// Choices made where the documents are silent.
    pub behaviours: &'static [Behaviour],
    /// Where Larkspur knowingly differs from the documents.
    pub deviations: &'static [&'static str],
}

impl Spec {
    /// The code with this number that a test may have the operation answer: one that its page lists, or one of the
    /// gateway's that come and go.
    pub fn plannable(&self, number: u32) -> Option<Code> {
        let passing = [&self.invalid, &codes::RATE_LIMITED, &codes::INTERNAL, &codes::UNAVAILABLE];
        let mut all = self.codes.iter().chain(passing);
        all.find(|code| code.number == number).copied()
    }

    /// A refusal under the code that the page lists for it; see [`Spec::recodes`].
    pub fn recoded(&self, fault: Fault) -> Fault {
        match self.recodes.iter().find(|(ordinary, _)| fault.code() == *ordinary) {
            Some((_, listed)) => fault.with_code(*listed),
            None => fault,
        }
    }

    /// Whether an app's own token opens it, wherever it stands.
    pub fn is_for_apps(&self) -> bool {
        matches!(self.access, Access::App | Access::AppOrBody)
    }

    /// Whether its page speaks for all its parameters; see [`PAGE_SPEAKS`].
    pub fn page_speaks(&self) -> bool {
        self.behaviours.iter().any(|behaviour| behaviour.name == PAGE_SPEAKS.name)
    }

    /// What a query parameter is answered with that is missing, out of its range or none of its values.
    ///
    /// Behind a token it is the gateway's 99992402, whatever code the page has for parameters. Source: observed on several
    /// operations, never otherwise.
    pub fn invalid_query(&self) -> Code {
        match self.access {
            Access::Token { .. } if !self.page_speaks() => codes::FIELD_VALIDATION,
            _ => self.invalid,
        }
    }
}

/// For an operation whose page gives one code with one text for whatever is wrong with a request: that code answers for
/// query parameters, too, and its text stands alone, without a cause.
pub const PAGE_SPEAKS: Behaviour = Behaviour {
    name: "page_speaks",
    rule: "Whatever does not fit is answered with the page's code and exactly its text: query parameters, too (elsewhere 99992402), and without a cause behind it (elsewhere `, ext=…`).",
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
    /// The method's name on the wire.
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
    /// Anyone: the credentials, if any, are in the request itself. An `Authorization` header is ignored.
    Open,
    /// The holder of the control key.
    Control,
    /// An app, by its `app_access_token`: for a custom app the tenant token, for an ISV app the one with `a-`.
    App,
    /// As [`Access::App`]; without an `Authorization: Bearer` header, the operation finds the token in its body.
    AppOrBody,
    /// The holder of an access token.
    Token {
        /// Which kinds of token.
        tokens: Tokens,
        /// Any one of these is enough; empty means none is needed.
        scopes: &'static [Scope],
        /// Whether the app needs the bot ability.
        bot: Bot,
    },
}

impl Access {
    /// The holder of a tenant token, of an app with any one of these scopes; with none of them, of any app.
    pub const fn tenant(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::Tenant, scopes, bot: Bot::NotRequired }
    }

    /// The holder of a user token that was granted any one of these scopes; with none of them, of any user token.
    pub const fn user(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::User, scopes, bot: Bot::NotRequired }
    }

    /// The holder of a token of either kind with any one of these scopes; with none of them, of any token.
    pub const fn tenant_or_user(scopes: &'static [Scope]) -> Access {
        Access::Token { tokens: Tokens::TenantOrUser, scopes, bot: Bot::NotRequired }
    }

    /// The same, for a page that demands the bot ability; see [`Bot::Required`].
    pub const fn with_bot(self) -> Access {
        match self {
            Access::Token { tokens, scopes, .. } => Access::Token { tokens, scopes, bot: Bot::Required },
            other => other,
        }
    }
}

/// Which access tokens an operation takes.
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
    /// The page demands the bot ability and has codes of its own for its absence and for an app that is not in use;
    /// the operation answers them, in its own order.
    Required,
    /// The page does not mention it; the gateway answers for an app that is not in use.
    NotRequired,
}

/// A frequency tier: the first window that is full refuses.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The tier as the documentation prints it, for people.
    pub name: &'static str,
    /// Its windows; none means unlimited.
    pub windows: &'static [Window],
}

/// So many calls in so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Calls allowed in the window.
    pub cap: u32,
    /// Length of the window in seconds.
    pub seconds: u32,
}

/// What an operation does to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads only: may run on a reader.
    Reads,
    /// Writes: runs in a write transaction.
    Writes,
}

/// The form of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumes {
    /// No body. One that is sent is not read, whatever it is and however long. Source: observed; clients send `null`, `{}`
    /// and forms with calls that take none.
    Nothing,
    /// A JSON object, whatever the `Content-Type` says; an empty body and `null` are `{}`.
    Json,
    /// `application/x-www-form-urlencoded` if the `Content-Type` says so and the body is no JSON object, else as
    /// [`Consumes::Json`].
    Form,
    /// `multipart/form-data`; the file part is called as named here, or `file`.
    Multipart {
        /// The name of the part that carries the file.
        file: &'static str,
    },
}

/// The form of a success answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// `{"code":0,"msg":…,"data":{…}}` with this `msg`.
    Data(&'static str),
    /// The members stand beside `code` and `msg`; failures carry `"data":{}`, as auth/v3 does.
    FlatAuth(&'static str),
    /// The members stand beside `code` and `msg`; failures are the ordinary ones.
    Flat(&'static str),
    /// Bytes with a content type of their own.
    Bytes,
    /// As RFC 6749 has it: the members stand beside `code`, and failures are `{code, error, error_description}`.
    OAuth,
    /// For a browser: a page, or the way to another one. Failures are pages too.
    Page,
}

/// A named choice where the documents are silent.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// A short name; the one of its setting where there is a switch.
    pub name: &'static str,
    /// What Larkspur does.
    pub rule: &'static str,
    /// On what ground.
    pub basis: Basis,
    /// Whether a setting changes it.
    pub switch: bool,
}

/// The ground of a behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The public pages say so.
    Documented,
    /// Seen in live answers that are published.
    Observed,
    /// Neither: the least surprising choice.
    Assumed,
}
