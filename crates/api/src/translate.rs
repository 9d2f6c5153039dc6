//! Translates user ids between their wire forms and the tenant's own.

use std::collections::HashMap;

use larkspur_contract::ids::{AppId, OpenId, UnionId};
use larkspur_contract::model::{AppKind, MemberIdType, UserIdType};
use larkspur_contract::scopes::CONTACT_EMPLOYEE_ID;
use larkspur_contract::{Code, Fault, FieldViolation, Permission, codes};
use larkspur_store::apps::{Audience, Install};
use larkspur_store::chats::Member;
use larkspur_store::users::{self, User};
use larkspur_store::{Keys, Tx, apps};

use crate::Call;

/// The wire form of a user's id, as the calling app sees it.
pub fn user_id(keys: &Keys, call: &Call, user: &User, form: UserIdType) -> String {
    let number = user.user_no.cast_unsigned();
    match form {
        UserIdType::OpenId => keys.open_id(number, call.app_id()).to_string(),
        UserIdType::UnionId => keys.union_id(number, call.app.developer).to_string(),
        UserIdType::UserId => user.user_id.clone(),
    }
}

/// The open_id of an app's bot, as seen by the app itself.
pub fn bot_open_id(keys: &Keys, app: AppId) -> OpenId {
    keys.open_id(app.0, app)
}

/// The open_id of an app's bot, as the calling app sees it.
pub fn bot_id(keys: &Keys, call: &Call, app: AppId) -> String {
    keys.open_id(app.0, call.app_id()).to_string()
}

/// What a wire id refers to in this tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A user.
    User(User),
    /// A bot: open_ids name bots too.
    Bot(AppId),
    /// An open_id that belongs to another app.
    OtherApp,
    /// A person of another tenant, or a deleted one: the id is genuine, but does not refer to anyone here.
    OtherTenant,
    /// No one.
    Unknown,
}

impl Named {
    /// The user or bot, as a member of chats.
    pub fn member(self) -> Option<Member> {
        match self {
            Named::User(user) => Some(Member::User(user.user_id)),
            Named::Bot(app) => Some(Member::Bot(app)),
            Named::OtherApp | Named::OtherTenant | Named::Unknown => None,
        }
    }
}

/// What can be read from an id alone.
enum Read {
    /// It is not a valid id.
    Invalid,
    /// An open_id of this app, if the app exists: any 128 bits decrypt to something.
    App(AppId),
    /// The number of a user or, in an open_id, of a bot.
    Number(u64),
}

fn read(keys: &Keys, asker: &Install, form: UserIdType, id: &str) -> Read {
    if form == UserIdType::OpenId {
        let Some(id) = OpenId::parse(id) else { return Read::Invalid };
        let (subject, app) = keys.read_open_id(id);
        return if app == asker.app_id { Read::Number(subject) } else { Read::App(app) };
    }
    let Some(id) = UnionId::parse(id) else { return Read::Invalid };
    let (number, developer) = keys.read_union_id(id);
    if developer == asker.developer { Read::Number(number) } else { Read::Invalid }
}

/// Resolves ids, in their order. Users are looked up together.
pub async fn all_named(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    ids: &[&str],
) -> Result<Vec<Named>, Fault> {
    all_named_by(tx, &call.app, form, ids).await
}

/// As [`all_named`], for an app that makes no call itself. Operations that only add rows may call it.
pub async fn all_named_by(
    tx: &mut Tx,
    asker: &Install,
    form: UserIdType,
    ids: &[&str],
) -> Result<Vec<Named>, Fault> {
    if form == UserIdType::UserId {
        let found = users::by_ids(tx, ids.iter().copied()).await?;
        let found: HashMap<&str, &User> = found.iter().map(|user| (user.user_id.as_str(), user)).collect();
        let named = |id: &&str| found.get(id).map_or(Named::Unknown, |user| Named::User((*user).clone()));
        return Ok(ids.iter().map(named).collect());
    }
    let engine = tx.engine().clone();
    let subjects: Vec<Read> = ids.iter().map(|id| read(&engine.keys, asker, form, id)).collect();
    let numbers = subjects.iter().filter_map(|subject| match subject {
        Read::Number(number) => Some(number.cast_signed()),
        Read::Invalid | Read::App(_) => None,
    });
    let found = users::by_numbers(tx, numbers).await?;
    let found: HashMap<i64, &User> = found.iter().map(|user| (user.user_no, user)).collect();
    let candidates = subjects.iter().filter_map(|subject| match subject {
        Read::App(app) => Some(*app),
        Read::Number(number) if form == UserIdType::OpenId && !found.contains_key(&number.cast_signed()) => {
            Some(AppId(*number))
        }
        Read::Invalid | Read::Number(_) => None,
    });
    let here = apps::installed_among(tx, candidates.filter(|app| *app != asker.app_id)).await?;
    let named = |subject| match subject {
        Read::App(app) if here.contains(&app) => Named::OtherApp,
        Read::Invalid | Read::App(_) => Named::Unknown,
        Read::Number(number) => match (found.get(&number.cast_signed()), AppId(number)) {
            (Some(user), _) => Named::User((*user).clone()),
            (None, app) if here.contains(&app) => Named::Bot(app),
            (None, app) if form == UserIdType::OpenId && app == asker.app_id => Named::Bot(app),
            (None, _) => Named::OtherTenant,
        },
    };
    Ok(subjects.into_iter().map(named).collect())
}

/// Resolves an id.
pub async fn named(tx: &mut Tx, call: &Call, form: UserIdType, id: &str) -> Result<Named, Fault> {
    Ok(all_named(tx, call, form, &[id]).await?.pop().unwrap_or(Named::Unknown))
}

/// The users among them who see the calling app.
pub async fn audience(tx: &mut Tx, call: &Call, named: &[Named]) -> Result<Audience, Fault> {
    let users = named.iter().filter_map(|named| match named {
        Named::User(user) => Some(user.user_id.as_str()),
        _ => None,
    });
    Ok(apps::audience(tx, &call.app, users).await?)
}

/// The form of user id that a request asks for, if the caller may see it.
///
/// The tenant's own ids need their own scope, and an ISV app never sees them. Source: the group pages.
pub fn form(call: &Call, asked: Option<UserIdType>, invalid: Code) -> Result<UserIdType, Fault> {
    form_of(call, "user_id_type", asked, invalid)
}

/// Like [`form`], for a parameter of another name.
pub fn form_of(
    call: &Call,
    parameter: &str,
    asked: Option<UserIdType>,
    invalid: Code,
) -> Result<UserIdType, Fault> {
    let form = asked.unwrap_or(UserIdType::OpenId);
    if form != UserIdType::UserId {
        return Ok(form);
    }
    if call.app.kind == AppKind::Isv {
        return Err(Fault::new(invalid, "an ISV app cannot use user_id").with_violation(
            parameter,
            Some("user_id"),
            "options: [open_id,union_id]",
        ));
    }
    if call.has_scope(CONTACT_EMPLOYEE_ID) {
        return Ok(form);
    }
    let (code, kind) = match call.actor {
        crate::Actor::Bot => (codes::SCOPE_MISSING, "action_scope_required"),
        crate::Actor::User { .. } => (codes::USER_SCOPE_MISSING, "action_privilege_required"),
    };
    let permission = Permission { kind, subject: CONTACT_EMPLOYEE_ID };
    Err(Fault::new(code, "user_id needs a field scope").with_permissions(vec![permission]))
}

/// The form of member ids in a request: `None` stands for `app_id`. Otherwise like [`form`].
pub fn member_form(
    call: &Call,
    asked: Option<MemberIdType>,
    invalid: Code,
) -> Result<Option<UserIdType>, Fault> {
    let asked = match asked.unwrap_or(MemberIdType::OpenId) {
        MemberIdType::AppId => return Ok(None),
        MemberIdType::OpenId => UserIdType::OpenId,
        MemberIdType::UnionId => UserIdType::UnionId,
        MemberIdType::UserId => UserIdType::UserId,
    };
    form_of(call, "member_id_type", Some(asked), invalid).map(Some)
}

/// Resolves ids of members, in their order; for app_ids, `form` is `None`.
pub async fn all_named_members(
    tx: &mut Tx,
    call: &Call,
    form: Option<UserIdType>,
    ids: &[&str],
) -> Result<Vec<Named>, Fault> {
    if let Some(form) = form {
        return all_named(tx, call, form, ids).await;
    }
    let apps: Vec<Option<AppId>> = ids.iter().map(|id| AppId::parse(id)).collect();
    let here = apps::installed_among(tx, apps.iter().flatten().copied()).await?;
    let named = |app: Option<AppId>| app.filter(|app| here.contains(app)).map_or(Named::Unknown, Named::Bot);
    Ok(apps.into_iter().map(named).collect())
}

/// The gateway's refusal of a list of ids, if it refuses one of them. The first such id decides the code, and all ids
/// with that code are named.
pub fn refusal_of_any(form: UserIdType, ids: &[&str], named: &[Named]) -> Option<Fault> {
    let is_known = |named: &Named| matches!(named, Named::User(_) | Named::Bot(_));
    let mut bad = ids.iter().zip(named).filter(|(_, named)| !is_known(named));
    let (first, why) = bad.next()?;
    if *why == Named::OtherApp {
        return Some(refusal(form, first, why));
    }
    let more = bad.filter(|(_, named)| **named != Named::OtherApp).map(|(id, _)| *id);
    let all: Vec<&str> = [*first].into_iter().chain(more).collect();
    Some(unknown(form, &all))
}

/// The gateway's refusal of an id that does not refer to anyone here. Source: generic code table; texts seen in live
/// answers.
pub fn refusal(form: UserIdType, id: &str, named: &Named) -> Fault {
    if *named == Named::OtherApp {
        return Fault::new(codes::OPEN_ID_CROSS_APP, format!("{id} is another app's open_id"));
    }
    unknown(form, &[id])
}

/// The gateway's refusal of ids that refer to no user here.
fn unknown(form: UserIdType, ids: &[&str]) -> Fault {
    let (code, kind, example) = match form {
        UserIdType::OpenId => (codes::OPEN_ID_UNKNOWN, "open_id", "ou_7d8a6e6df7621556ce0d21922b676706ccs"),
        UserIdType::UnionId => (codes::UNION_ID_UNKNOWN, "union_id", "on_cad4860e7af114fb4ff6c5d496d1dd76"),
        UserIdType::UserId => (codes::USER_ID_UNKNOWN, "user_id", "4d7a3c6g"),
    };
    let named: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let violation = |id: &String| FieldViolation {
        field: kind.to_owned(),
        value: Some(id.clone()),
        description: "invalid id".to_owned(),
    };
    Fault::new(code, format!("not in this tenant: {}", ids.join(" ")))
        .with_text(codes::unknown_id_text(kind, example, &named))
        .with_violations(named.iter().map(violation).collect())
}
