//! Who calls, when, and under which settings.

use std::fmt;
use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Engine;
use larkspur_store::apps::Install;
use larkspur_store::chats::Member;
use larkspur_store::policies::Policy;
use larkspur_store::users::Grant;

use crate::Settings;
use crate::pages::Frame;

/// A call with an access token: what an operation in one tenant knows of it.
#[derive(Clone)]
pub struct Call {
    /// The tenant's time, in milliseconds since 1970.
    pub now: i64,
    /// The tenant of the token.
    pub tenant: TenantKey,
    /// The app that the token was issued to.
    pub app: Arc<Install>,
    /// In whose name it acts.
    pub actor: Actor,
    /// Whether tests planned refusals in this tenant.
    pub refuses: bool,
    /// What the tenant's edition and its administrators allow.
    pub policy: Arc<Policy>,
    /// The switches.
    pub settings: Arc<Settings>,
}

/// In whose name a call acts.
#[derive(Clone)]
pub enum Actor {
    /// The app's bot (a tenant token).
    Bot,
    /// A user (a user token).
    User {
        /// The number that open_id and union_id are made of.
        number: u64,
        /// What the user granted.
        grant: Arc<Grant>,
    },
}

impl Call {
    /// The operator as a member of chats.
    pub fn operator(&self) -> Member {
        match &self.actor {
            Actor::Bot => Member::Bot(self.app.app_id),
            Actor::User { grant, .. } => Member::User(grant.user_id.clone()),
        }
    }

    /// The calling app.
    pub fn app_id(&self) -> AppId {
        self.app.app_id
    }

    /// Whether the operator holds a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        match &self.actor {
            Actor::Bot => self.app.scopes.has(scope),
            Actor::User { grant, .. } => grant.scopes.has(scope),
        }
    }
}

/// A call without a tenant of its own: credentials in the body, or the control key.
#[derive(Clone)]
pub struct RootCall {
    /// The store.
    pub engine: Arc<Engine>,
    /// The real time, in milliseconds since 1970; a tenant's own is this plus its offset.
    pub now: i64,
    /// The switches.
    pub settings: Arc<Settings>,
    /// What stood in the `Authorization` header.
    pub presented: Presented,
    /// What is around the page, if a page is answered.
    pub frame: Frame,
}

/// What stood in the `Authorization` header of a call without a tenant.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// Nothing that matters.
    Nothing,
    /// `Basic …`, decoded.
    Basic {
        /// The app's id.
        id: String,
        /// Its secret.
        secret: String,
    },
    /// `Basic …` that cannot be read.
    Unreadable,
    /// The token of an app, which is in order.
    App(AppId),
}

/// Shows no secret.
impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Presented::Nothing => f.write_str("nothing"),
            Presented::Basic { id, .. } => write!(f, "Basic of {id}"),
            Presented::Unreadable => f.write_str("Basic that cannot be read"),
            Presented::App(app) => write!(f, "the token of {app}"),
        }
    }
}

/// Either kind of caller, as the gateway hands it to an entry.
#[derive(Clone)]
pub enum Caller {
    /// With an access token.
    Token(Call),
    /// Without a tenant.
    Root(RootCall),
}
