//! Records of tenants, apps and users that memory keeps: types without SQL.

use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{AnnouncementType, AppKind, InstallStatus, ScopeChecks, UserStatus};
use serde::{Deserialize, Serialize};

use super::overrides::Overrides;

/// A tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its key.
    pub tenant: TenantKey,
    /// Its name, for people.
    pub name: String,
    /// How far its clock is ahead of the real time, in milliseconds.
    pub clock_offset_ms: i64,
    /// What its edition and its administrators allow.
    pub policy: Arc<Policy>,
    /// What tests want done to its calls: the rules as they are stored; empty if there are none.
    pub faults: Arc<str>,
}

/// What a tenant's edition and its administrators allow. By default everything is allowed and nothing collides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Whether the edition has restricted mode.
    pub restricted_mode: bool,
    /// Whether the edition has `hide_member_count_setting`.
    pub hide_member_count: bool,
    /// Whether the administrators allow public groups.
    pub public_groups: bool,
    /// Words that names and descriptions of chats, and messages, may not contain, in any case.
    pub forbidden_words: Vec<String>,
    /// The most bytes of all images and files together; `None` for no quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_bytes: Option<i64>,
    /// How long an edit of a chat takes, in milliseconds of the tenant's clock: other edits collide with it during that
    /// time. With 0 none collides; they wait for one another.
    pub edit_ms: i64,
    /// Whether new groups have announcements of the old form.
    pub old_announcements: bool,
    /// How long senders can recall a message, in seconds of the tenant's time; `None` for 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_seconds: Option<i64>,
    /// How long a message can be edited, in seconds of the tenant's time; `None` for 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_edit_seconds: Option<i64>,
    /// The most calls of a month; `None` for no quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_calls: Option<i64>,
    /// The most messages of one app's batches in a day; `None` for 500,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_batch_messages: Option<i64>,
    /// What it has in place of the server's settings; most have nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Box<Overrides>>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            restricted_mode: true,
            hide_member_count: true,
            public_groups: true,
            forbidden_words: Vec::new(),
            storage_bytes: None,
            edit_ms: 0,
            old_announcements: false,
            recall_seconds: None,
            message_edit_seconds: None,
            monthly_calls: None,
            daily_batch_messages: None,
            overrides: None,
        }
    }
}

impl Policy {
    /// The form of the announcements of new groups.
    pub fn announcement_type(&self) -> AnnouncementType {
        if self.old_announcements { AnnouncementType::Doc } else { AnnouncementType::Docx }
    }

    /// How calls without a needed scope are treated.
    pub fn permissions(&self) -> ScopeChecks {
        self.overrides.as_ref().and_then(|own| own.permissions).unwrap_or(ScopeChecks::Enforce)
    }
}

/// An app as installed in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The app.
    pub app_id: AppId,
    /// The tenant that made it.
    pub developer: TenantKey,
    /// Custom or ISV.
    pub kind: AppKind,
    /// Its name, which is also its bot's.
    pub name: String,
    /// Whether the tenant uses it.
    pub status: InstallStatus,
    /// Whether it has a bot.
    pub bot: bool,
    /// Whether its bot may be in external chats.
    pub external_sharing: bool,
    /// Its scopes.
    pub scopes: Scopes,
    /// Whether every user of the tenant sees it; otherwise only the listed ones do.
    pub visible_to_all: bool,
}

/// A set of permission scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// A set of these scopes.
    pub fn new<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list: Vec<String> = scopes.into_iter().map(str::to_owned).collect();
        list.sort_unstable();
        list.dedup();
        Scopes(list)
    }

    /// Parses the form in a column: separated by blanks.
    pub fn parse(text: &str) -> Self {
        Scopes::new(text.split_ascii_whitespace())
    }

    /// Whether the set has this scope.
    pub fn has(&self, scope: &str) -> bool {
        self.0.binary_search_by(|held| held.as_str().cmp(scope)).is_ok()
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Its form in a column.
    pub fn to_column(&self) -> String {
        self.0.join(" ")
    }
}

/// A set of event types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Types {
    /// Every type.
    All,
    /// These.
    Only(Vec<String>),
}

impl Types {
    /// Whether the set has a type.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Types::All => true,
            Types::Only(names) => names.iter().any(|known| known == name),
        }
    }

    /// The set with types added and removed. `known` are all types, needed to remove some from [`Types::All`].
    pub fn changed<'a>(
        &self,
        add: &[String],
        remove: &[String],
        known: impl Iterator<Item = &'a str>,
    ) -> Types {
        let mut names = match self {
            Types::All if remove.is_empty() => return Types::All,
            Types::All => known.map(str::to_owned).collect(),
            Types::Only(names) => names.clone(),
        };
        names.extend(add.iter().cloned());
        names.retain(|name| !remove.contains(name));
        names.sort_unstable();
        names.dedup();
        Types::Only(names)
    }

    /// Its form in a column.
    pub(crate) fn to_column(&self) -> String {
        match self {
            Types::All => "*".to_owned(),
            Types::Only(names) => names.join(" "),
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "*" => Types::All,
            names => Types::Only(names.split_ascii_whitespace().map(str::to_owned).collect()),
        }
    }
}

/// An app installed in a tenant that can receive events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The app, as installed there.
    pub install: Arc<Install>,
    /// The types that it subscribed to.
    pub types: Types,
}

/// What a user granted to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The tenant's own id of the user.
    pub user_id: String,
    /// State of the account.
    pub status: UserStatus,
    /// The scopes that the app may use in the user's name.
    pub scopes: Scopes,
    /// Tokens of an earlier epoch are revoked.
    pub epoch: i64,
    /// The sign-ins whose tokens are revoked.
    pub ended: Ended,
}

/// Sign-ins whose tokens are revoked, each by the number in its tokens, until its last token would have expired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended(Vec<(u32, i64)>);

impl Ended {
    /// The most sign-ins that are remembered individually.
    const MOST: usize = 64;

    /// Parses the form in a column.
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |word: &str| {
            let (family, until) = word.split_once(':')?;
            Some((family.parse().ok()?, until.parse().ok()?))
        };
        Ended(text.split_ascii_whitespace().filter_map(pair).collect())
    }

    /// Adds a sign-in, and drops those whose tokens have expired by `now`. True if there are too many to remember: then
    /// the list is empty, and all tokens of the grant must be revoked.
    pub(crate) fn add(&mut self, family: u32, now: i64, until: i64) -> bool {
        self.0.retain(|(other, until)| *other != family && now < *until);
        self.0.push((family, until));
        let all = self.0.len() > Ended::MOST;
        if all {
            self.0.clear();
        }
        all
    }

    /// Its form in a column.
    pub(crate) fn to_column(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(family, until)| format!("{family}:{until}")).collect();
        words.join(" ")
    }

    /// How many sign-ins are revoked at `now`.
    pub fn count(&self, now: i64) -> usize {
        self.0.iter().filter(|(_, until)| now < *until).count()
    }

    /// Whether the tokens of a sign-in are revoked at `now`.
    pub fn has(&self, family: u32, now: i64) -> bool {
        self.0.iter().any(|(ended, until)| *ended == family && now < *until)
    }
}
