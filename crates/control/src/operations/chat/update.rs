use larkspur_api::events::chat_updated::{self, Speakers};
use larkspur_api::events::{Party, chat_member_bot_added, chat_member_user_added};
use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::{
    AnnouncementType, ChatCondition, ChatMode, ChatSettings, ChatStatus, ChatType, I18nNames, Permission,
};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, patch};
use larkspur_store::chats::Chat;
use larkspur_store::moderation::Holds;
use larkspur_store::{Root, chats, members, moderation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Path, Shown, announcement, client};
use crate::operations::CONTROL;
use crate::{support, values};

/// `PATCH /larkspur/v1/worlds/:tenant_key/chats/:chat_id`
pub(crate) struct Update;

/// What to change. Absent fields are unchanged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Group, topic or p2p; a p2p chat has exactly two members.
    chat_mode: Option<ChatMode>,
    /// Private or public.
    chat_type: Option<ChatType>,
    /// Normal or dissolved.
    chat_status: Option<ChatStatus>,
    /// Whether users of other tenants may be in it.
    external: Option<bool>,
    /// Name.
    #[schemars(length(max = 1000))]
    name: Option<String>,
    /// Description.
    #[schemars(length(max = 10000))]
    description: Option<String>,
    /// Names by language; replaces all of them.
    i18n_names: Option<I18nNames>,
    /// A user_id or an app_id; it is added as a member if necessary.
    owner: Option<String>,
    /// Who may manage tabs, widgets and menus.
    manage_widgets: Option<Permission>,
    /// The format of its announcement; `none` removes it. A p2p chat never has one.
    announcement_type: Option<AnnouncementType>,
    /// Whether only owner and managers can access the announcement's document; other members get 232066, of the docx form
    /// 1770032.
    announcement_locked: Option<bool>,
    /// Whether the platform has banned it: then the setting of who may speak cannot be changed (232060).
    banned: Option<bool>,
    /// Whether a meeting with restricted access takes place in it: then the setting of who may speak cannot be changed
    /// (232092), and approval of new members cannot be turned off (232093).
    meeting: Option<bool>,
    /// States that no public operation sets; replaces all of them. `stopped` is for p2p chats, the others for groups.
    #[schemars(length(max = 8))]
    conditions: Option<Vec<ChatCondition>>,
    /// The settings that answers show; absent ones are unchanged.
    #[schemars(with = "Option<ChatSettings>", transform = values::without_defaults)]
    settings: Option<Map<String, Value>>,
    /// The user_id of the user who changes it in the client. Without it, no app is told. Not with
    /// `chat_status`, which has an operation of its own for that.
    r#as: Option<String>,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.update",
        summary: "Change anything about a chat",
        route: patch("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::CHAT_UPDATED, &events::USER_ADDED, &events::BOT_ADDED],
        example: r#"{"manage_widgets":"only_owner"}"#,
        behaviours: &[client::AS, CONDITIONS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let locked = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let actor = support::actor_or_none(&mut tx, &locked, body.r#as.as_deref()).await?;
        if actor.is_some() && body.chat_status.is_some() {
            return Err(values::invalid("chat_status", None, "a user dissolves a chat by POST …/dissolve"));
        }
        let mut chat = Chat::clone(&locked);
        let mut joined = None;
        chat.mode = body.chat_mode.unwrap_or(chat.mode);
        chat.chat_type = body.chat_type.unwrap_or(chat.chat_type);
        chat.status = body.chat_status.unwrap_or(chat.status);
        chat.external = body.external.unwrap_or(chat.external);
        chat.manage_widgets = body.manage_widgets.unwrap_or(chat.manage_widgets);
        chat.name = body.name.clone().unwrap_or(chat.name);
        chat.description = body.description.clone().unwrap_or(chat.description);
        chat.i18n_names = body.i18n_names.clone().unwrap_or(chat.i18n_names);
        if let Some(changes) = &body.settings {
            chat.settings = overlaid(&chat.settings, changes)?;
        }
        chat.conditions = match &body.conditions {
            Some(conditions) => fitting(&chat, conditions)?,
            None => chat.conditions.iter().copied().filter(|condition| fits(&chat, *condition)).collect(),
        };
        if let Some(id) = &body.owner {
            let owner = support::member(&mut tx, "owner", id).await?;
            let added = members::add(&mut tx, &locked, &owner, false, now).await?;
            joined = Some(owner.clone()).filter(|_| added);
            chat.owner = Some(owner);
        }
        super::parties::check(&mut tx, &chat).await?;
        chats::update(&mut tx, &locked, &chat).await?;
        announcement::set(&mut tx, &locked, body.announcement_type, body.announcement_locked).await?;
        let holds = moderation::holds(&mut tx, locked.chat_id).await?;
        let new = Holds {
            banned: body.banned.unwrap_or(holds.banned),
            meeting: body.meeting.unwrap_or(holds.meeting),
        };
        if new != holds {
            moderation::set_holds(&mut tx, &locked, new).await?;
        }
        if let Some(actor) = &actor {
            let operator = Party::from(actor);
            chat_member_user_added::emit(&mut tx, &chat, joined.as_slice(), &operator, now).await?;
            chat_member_bot_added::emit(&mut tx, &chat, joined.as_slice(), &operator, now).await?;
            chat_updated::emit(&mut tx, (&locked, &chat), &Speakers::default(), &operator, now).await?;
        }
        super::show(&mut tx, chat).await
    }
}

/// Conditions that such a chat can have, each once.
fn fitting(chat: &Chat, conditions: &[ChatCondition]) -> Result<Vec<ChatCondition>, Fault> {
    let mut all = Vec::with_capacity(conditions.len());
    for condition in conditions {
        if !fits(chat, *condition) {
            let why = "a p2p chat can be stopped, a group all the others";
            return Err(values::invalid("conditions", Some(condition.as_str()), why));
        }
        if !all.contains(condition) {
            all.push(*condition);
        }
    }
    Ok(all)
}

fn fits(chat: &Chat, condition: ChatCondition) -> bool {
    (chat.mode == ChatMode::P2p) == (condition == ChatCondition::Stopped)
}

/// Merges changes over settings.
fn overlaid(settings: &ChatSettings, changes: &Map<String, Value>) -> Result<ChatSettings, Fault> {
    let wrong = |error: serde_json::Error| values::invalid("settings", None, &error.to_string());
    let mut whole = serde_json::to_value(settings).map_err(wrong)?;
    for (name, change) in changes {
        match (whole.get_mut(name), change) {
            (None, _) => return Err(values::invalid("settings", Some(name), "no such setting")),
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
            (Some(old), new) => *old = new.clone(),
        }
    }
    serde_json::from_value(whole).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larkspur_contract::model::RestrictedPermission;
    use serde_json::json;

    fn over(changes: &Value) -> Result<ChatSettings, Fault> {
        overlaid(&ChatSettings::default(), changes.as_object().expect("an object"))
    }

    #[test]
    fn settings_change_one_by_one() {
        let changed = over(&json!({
            "edit_permission": "only_owner",
            "restricted_mode_setting": {"download_has_permission_setting": "not_anyone"}
        }));
        let mut expected = ChatSettings { edit_permission: Permission::OnlyOwner, ..ChatSettings::default() };
        expected.restricted_mode_setting.download_has_permission_setting = RestrictedPermission::NotAnyone;
        assert_eq!(changed.expect("fits"), expected);
        assert_eq!(over(&json!({})).expect("fits"), ChatSettings::default());
    }

    #[test]
    fn unknown_settings_and_values_are_refused() {
        for wrong in [json!({"color": "red"}), json!({"edit_permission": "unknown"})] {
            assert_eq!(over(&wrong).expect_err("refused").code(), codes::CONTROL_PARAM_INVALID);
        }
    }
}
