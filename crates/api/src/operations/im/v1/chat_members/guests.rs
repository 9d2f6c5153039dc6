//! Checks which ids of a call can be added to a chat.

use larkspur_contract::model::{InstallStatus, UserIdType, UserStatus};
use larkspur_contract::{Code, Fault, FieldViolation, codes};
use larkspur_store::apps::Audience;
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Tx, apps};

use crate::translate::{self, Named};
use crate::{Actor, Call};

/// This page has its own code for union_ids.
pub(super) const UNKNOWN_UNION: Code = codes::UNION_ID_NOT_EXISTED;

/// What an id of the call refers to.
pub(super) enum Guest {
    /// A member that can be added.
    Welcome(Member),
    /// A user who has left the tenant.
    Resigned,
    /// A user who does not see the calling app.
    Unseen,
    /// An app without a bot, or not in use.
    Inactive,
    /// A bot that may not be in external chats.
    Unshared,
    /// A person of another tenant.
    External,
    /// No user or bot of the tenant.
    Absent(Named),
}

impl Guest {
    /// Why the member cannot be added, for the log.
    fn what(&self) -> &'static str {
        match self {
            Guest::Welcome(_) => "can be added",
            Guest::Resigned => "has resigned",
            Guest::Unseen => "does not see the app",
            Guest::Inactive => "is an app without a bot, or not in use",
            Guest::Unshared => "is a bot without external sharing",
            Guest::External => "is of another tenant",
            Guest::Absent(Named::OtherApp) => "is another app's open_id",
            Guest::Absent(_) => "is no user or bot of this tenant",
        }
    }
}

/// How ids that cannot be added are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Resigned users are listed; all others refuse the call.
    Strict,
    /// They are listed.
    Lenient,
    /// They refuse the call.
    AllOrNone,
}

/// The ids of a call, sorted by whether they can be added.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    /// Members that can be added.
    pub(super) welcome: Vec<(&'a str, Member)>,
    /// Ids that exist but cannot be added.
    pub(super) invalid: Vec<&'a str>,
    /// Ids that do not exist.
    pub(super) absent: Vec<&'a str>,
    /// The reason for each of the latter two, for the log.
    pub(super) notes: Vec<String>,
}

/// Checks whether a user or bot can be added to the chat.
async fn guest(tx: &mut Tx, chat: &Chat, audience: Option<&Audience>, named: Named) -> Result<Guest, Fault> {
    match named {
        Named::User(user) if user.status == UserStatus::Resigned => Ok(Guest::Resigned),
        Named::User(user) if audience.is_some_and(|audience| !audience.has(&user.user_id)) => {
            Ok(Guest::Unseen)
        }
        Named::User(user) => Ok(Guest::Welcome(Member::User(user.user_id))),
        Named::Bot(app) => {
            let install = apps::install(tx, app).await?;
            let usable = install.filter(|found| found.bot && found.status == InstallStatus::Enabled);
            Ok(match usable {
                None => Guest::Inactive,
                Some(found) if chat.external && !found.external_sharing => Guest::Unshared,
                Some(found) => Guest::Welcome(Member::Bot(found.app_id)),
            })
        }
        Named::OtherTenant => Ok(Guest::External),
        named @ (Named::OtherApp | Named::Unknown) => Ok(Guest::Absent(named)),
    }
}

/// Sorts the ids of a call, or refuses it.
pub(super) async fn sort<'a>(
    tx: &mut Tx,
    call: &Call,
    chat: &Chat,
    form: Option<UserIdType>,
    ids: &[&'a str],
    policy: Policy,
) -> Result<Sorted<'a>, Fault> {
    let mut sorted = Sorted::default();
    let named = translate::all_named_members(tx, call, form, ids).await?;
    let audience = match call.actor {
        // Only a call of the app depends on the app's visibility. Source: the page's prerequisites.
        Actor::Bot => Some(translate::audience(tx, call, &named).await?),
        Actor::User { .. } => None,
    };
    for (&id, named) in ids.iter().zip(named) {
        let guest = guest(tx, chat, audience.as_ref(), named).await?;
        if policy == Policy::Strict
            && let Some(refusal) = refusal(form, id, &guest)
        {
            return Err(refusal);
        }
        if !matches!(guest, Guest::Welcome(_)) {
            sorted.notes.push(format!("{id} {}", guest.what()));
        }
        match guest {
            Guest::Welcome(member) => sorted.welcome.push((id, member)),
            Guest::Absent(_) => sorted.absent.push(id),
            _ => sorted.invalid.push(id),
        }
    }
    let bad = sorted.invalid.iter().chain(&sorted.absent);
    if policy == Policy::AllOrNone && bad.clone().next().is_some() {
        let violations = bad.map(|id| FieldViolation {
            field: "id_list[*]".to_owned(),
            value: Some((*id).to_owned()),
            description: "not available".to_owned(),
        });
        let note = format!("with succeed_type 2 every id must be available: {}", sorted.notes.join(", "));
        return Err(Fault::new(codes::IDS_UNAVAILABLE, note).with_violations(violations.collect()));
    }
    Ok(sorted)
}

/// The refusal of the whole call for an id, with `succeed_type` 0.
fn refusal(form: Option<UserIdType>, id: &str, guest: &Guest) -> Option<Fault> {
    let (code, note) = match (guest, form) {
        (Guest::Welcome(_) | Guest::Resigned, _) => return None,
        (Guest::Unseen, _) => (codes::NOT_VISIBLE, "the user does not see the app"),
        (Guest::Unshared, _) => (codes::EXTERNAL_NOT_ALLOWED, "the invited bot lacks external sharing"),
        (Guest::External, _) => (codes::EXTERNAL_MEMBER_IN_INTERNAL_CHAT, "the user is of another tenant"),
        (Guest::Inactive, _) | (Guest::Absent(_), None) => {
            (codes::IDS_UNAVAILABLE, "no app with a bot in use")
        }
        (Guest::Absent(named), Some(form)) => {
            let usual = translate::refusal(form, id, named).about("id_list[*]");
            let union = usual.code() == codes::UNION_ID_UNKNOWN;
            return Some(if union { usual.with_code(UNKNOWN_UNION) } else { usual });
        }
    };
    Some(Fault::new(code, format!("{id}: {note}")).with_violation("id_list[*]", Some(id), "not available"))
}
