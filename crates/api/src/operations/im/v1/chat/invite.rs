//! Checks the owner and members that a new chat is created with.

use larkspur_contract::ids::AppId;
use larkspur_contract::model::{InstallStatus, UserIdType, UserStatus};
use larkspur_contract::{Code, Fault, Fix, codes};
use larkspur_store::apps::Audience;
use larkspur_store::chats::Member;
use larkspur_store::users::User;
use larkspur_store::{Tx, apps};
use serde_json::json;

use crate::Call;
use crate::translate::{self, Named};

/// The cause of 232043 for users who do not see the app. Source: the change note of May 2023, and live answers.
const UNSEEN: &str = "bot is invisible to user ids";
/// The cause of 232043 for ids that are not users of the tenant. Source: a live answer.
const UNKNOWN: &str = "invalid user ids";

/// The owner of a new chat.
pub(super) async fn owner(tx: &mut Tx, call: &Call, form: UserIdType, id: &str) -> Result<Member, Fault> {
    match translate::named(tx, call, form, id).await? {
        Named::User(user) if user.status == UserStatus::Resigned => {
            Err(inactive(codes::USER_RESIGNED, format!("the designated owner {id} has resigned"), &user))
        }
        Named::User(user) if user.status == UserStatus::Frozen => {
            let note = format!("the designated owner {id} is suspended");
            Err(inactive(codes::USER_ID_INVALID, note, &user).with_violation(
                "owner_id",
                Some(id),
                "suspended",
            ))
        }
        Named::User(user) if !apps::is_visible_to(tx, &call.app, &user.user_id).await? => {
            let fault =
                Fault::new(codes::IDS_UNAVAILABLE, format!("the designated owner {id} does not see the app"));
            Err(unseen(fault.with_violation("owner_id", Some(id), "not available"), call.app_id(), &user))
        }
        Named::User(user) => Ok(Member::User(user.user_id)),
        Named::Bot(app) => Ok(Member::Bot(app)),
        Named::OtherTenant => Err(Fault::new(
            codes::OWNER_OTHER_TENANT,
            format!("the designated owner {id} is of another tenant"),
        )
        .with_fact("owner", id.to_owned())),
        named @ (Named::OtherApp | Named::Unknown) => {
            Err(translate::refusal(form, id, &named).about("owner_id"))
        }
    }
}

/// The users and bots of a new chat.
pub(super) async fn members(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    users: &[String],
    bots: &[String],
) -> Result<Vec<Member>, Fault> {
    let mut all = Vec::with_capacity(users.len() + bots.len());
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    let named = translate::all_named(tx, call, form, &ids).await?;
    let audience = translate::audience(tx, call, &named).await?;
    for (id, named) in ids.into_iter().zip(named) {
        all.push(user((&audience, call.app_id()), form, id, named)?);
    }
    for id in bots {
        all.push(bot(tx, id).await?);
    }
    Ok(all)
}

/// The refusal of a user who is not active.
fn inactive(code: Code, note: String, user: &User) -> Fault {
    let path = vec![("user_id", user.user_id.clone())];
    Fault::new(code, note)
        .by_rule("user_status")
        .with_fact("user", user.user_id.clone())
        .with_fact("status", user.status.as_str())
        .with_fix(Fix::new("larkspur.v1.user.update", path, json!({"status": "active"})))
}

/// The refusal of a user who does not see the app.
fn unseen(fault: Fault, app_id: AppId, user: &User) -> Fault {
    let path = vec![("app_id", app_id.to_string())];
    fault.by_rule("app_visible").with_fact("user", user.user_id.clone()).with_fix(Fix::new(
        "larkspur.v1.app.update",
        path,
        json!({"visible_to_all": true}),
    ))
}

fn user(
    (audience, app_id): (&Audience, AppId),
    form: UserIdType,
    id: &str,
    named: Named,
) -> Result<Member, Fault> {
    let unavailable = |note: &'static str, cause: &str| {
        Fault::new(codes::IDS_UNAVAILABLE, note).with_cause(format!("{cause}: [{id}]")).with_violation(
            "user_id_list[*]",
            Some(id),
            "not available",
        )
    };
    match named {
        Named::User(user) => {
            if user.status == UserStatus::Resigned {
                let note = format!("the invited user {id} has resigned");
                return Err(inactive(codes::USER_RESIGNED, note, &user));
            }
            if !audience.has(&user.user_id) {
                return Err(unseen(
                    unavailable("an invited user does not see the app", UNSEEN),
                    app_id,
                    &user,
                ));
            }
            Ok(Member::User(user.user_id))
        }
        named @ (Named::OtherApp | Named::Unknown) => {
            Err(translate::refusal(form, id, &named).about("user_id_list[*]"))
        }
        Named::Bot(_) | Named::OtherTenant => {
            Err(unavailable("an invited user is not in this tenant", UNKNOWN)
                .with_fact("user", id.to_owned()))
        }
    }
}

async fn bot(tx: &mut Tx, id: &str) -> Result<Member, Fault> {
    let install = match AppId::parse(id) {
        Some(app) => apps::install(tx, app).await?,
        None => None,
    };
    let usable = install.filter(|found| found.bot && found.status == InstallStatus::Enabled);
    usable.map(|found| Member::Bot(found.app_id)).ok_or_else(|| {
        Fault::new(codes::BOT_NOT_FOUND, format!("{id} is not an app with a bot in this tenant"))
            .with_fact("app_id", id.to_owned())
    })
}
