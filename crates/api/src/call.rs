//! The caller, the time, and the settings of a call.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::ScopeChecks;
use larkspur_store::Engine;
use larkspur_store::apps::Install;
use larkspur_store::chats::Member;
use larkspur_store::policies::Policy;
use larkspur_store::users::Grant;

use crate::pages::Frame;
use crate::{Services, Settings};

/// A call with an access token, as an operation in one tenant sees it.
#[derive(Clone)]
pub struct Call {
    /// The tenant's time, in milliseconds since 1970.
    pub now: i64,
    /// The tenant of the token.
    pub tenant: TenantKey,
    /// The app that the token was issued to.
    pub app: Arc<Install>,
    /// The identity that the call acts as.
    pub actor: Actor,
    /// What tests want done to calls in this tenant: the rules as they are stored; empty if there are none.
    pub faults: Arc<str>,
    /// What the tenant's edition and its administrators allow.
    pub policy: Arc<Policy>,
    /// The switches.
    pub settings: Arc<Settings>,
}

/// The identity that a call acts as.
#[derive(Clone)]
pub enum Actor {
    /// The app's bot (a tenant token).
    Bot,
    /// A user (a user token).
    User {
        /// The user's number, from which open_id and union_id are derived.
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

    /// Whether the operator holds a scope, or needs none.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.policy.permissions() == ScopeChecks::Off || self.was_granted(scope)
    }

    /// Whether the operator holds a scope.
    pub fn was_granted(&self, scope: &str) -> bool {
        match &self.actor {
            Actor::Bot => self.app.scopes.has(scope),
            Actor::User { grant, .. } => grant.scopes.has(scope),
        }
    }
}

/// A call without a tenant: its credentials are in the body, or it has the control key.
#[derive(Clone)]
pub struct RootCall {
    /// The store.
    pub engine: Arc<Engine>,
    /// The real time, in milliseconds since 1970; a tenant's time is this plus its offset.
    pub now: i64,
    /// The switches.
    pub settings: Arc<Settings>,
    /// The content of the `Authorization` header.
    pub presented: Presented,
    /// What the process offers to operations that run on it.
    pub services: Arc<Services>,
    /// The `Last-Event-ID` header: where a stream goes on.
    pub last_event_id: Option<String>,
    /// Language settings of the page, if the answer is a page.
    pub frame: Frame,
    /// The address that the call comes from, as far as it is known.
    pub address: Option<IpAddr>,
    /// Scheme, host and port under which the client reached this server, for URLs that the control API answers.
    pub origin: String,
}

/// The content of the `Authorization` header of a call without a tenant.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// Nothing that the operation uses.
    Nothing,
    /// `Basic …`, decoded.
    Basic {
        /// The id of the app.
        id: String,
        /// Its secret.
        secret: String,
    },
    /// `Basic …` that cannot be decoded.
    Unreadable,
    /// A valid token of an app.
    App(AppId),
}

/// Does not print the secret.
impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Presented::Nothing => f.write_str("nothing"),
            Presented::Basic { id, .. } => write!(f, "Basic of {id}"),
            Presented::Unreadable => f.write_str("undecodable Basic"),
            Presented::App(app) => write!(f, "the token of {app}"),
        }
    }
}

/// A caller of either kind, as the gateway passes it to an entry.
#[derive(Clone)]
pub enum Caller {
    /// With an access token.
    Token(Call),
    /// Without a tenant.
    Root(RootCall),
}
