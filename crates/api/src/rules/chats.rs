//! Rules for chats.

use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatType, I18nNames, MembershipApproval, Permission, RestrictedMode,
    RestrictedPermission, SharePermission,
};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::chats::Chat;
use larkspur_store::moderation::Holds;

use serde_json::json;

use crate::standing::{Role, Standing, set_chat};

/// The name of a private chat that is created without one. Source: the create page.
pub const NO_NAME: &str = "(无主题)";
/// The most bots of a chat. Source: the members page.
pub const BOTS_MAX: usize = 15;
/// How long a repeated `uuid` is answered with the first chat, in milliseconds. Source: the create page ("10 hours").
pub const UUID_LIFE_MS: i64 = 10 * 3600 * 1000;

/// The most characters of a name: a protective bound, since the pages only recommend 60.
pub const NAME_MAX: usize = 255;
/// The most characters of a description: a protective bound, since the pages only recommend 100.
pub const DESCRIPTION_MAX: usize = 4096;

/// The name of a new chat; a public one must have two characters.
pub fn name(chat_type: ChatType, name: &str) -> Result<&str, Fault> {
    match (chat_type, name.chars().count()) {
        (ChatType::Public, 0) => Err(Fault::new(codes::PUBLIC_NAME_EMPTY, "a public chat needs a name")
            .with_fact("chat_type", "public")),
        (ChatType::Public, 1) => Err(Fault::new(codes::PUBLIC_NAME_TOO_SHORT, "the name has one character")
            .with_fact("chat_type", "public")),
        (ChatType::Private, 0) => Ok(NO_NAME),
        _ => Ok(name),
    }
}

/// Restricted mode must restrict something if it is on, and nothing if it is off.
pub fn restricted_mode(mode: &RestrictedMode) -> Result<(), Fault> {
    let settings = [
        mode.screenshot_has_permission_setting,
        mode.download_has_permission_setting,
        mode.message_has_permission_setting,
    ];
    let restricts = settings.contains(&RestrictedPermission::NotAnyone);
    if mode.status == restricts {
        return Ok(());
    }
    let asked = if mode.status { "one setting must be not_anyone" } else { "no setting may be not_anyone" };
    Err(Fault::new(codes::PARAM_INVALID, "restricted_mode_setting contradicts itself").with_violation(
        "restricted_mode_setting.status",
        Some(if mode.status { "true" } else { "false" }),
        asked,
    ))
}

/// Topic groups have no `hide_member_count_setting` (232079). Assumed: the page does not say which kinds of chat lack
/// it.
pub fn may_hide_count(mode: ChatMode, asked: Option<Permission>) -> Result<(), Fault> {
    if mode == ChatMode::Group || asked != Some(Permission::OnlyOwner) {
        return Ok(());
    }
    Err(Fault::new(codes::HIDE_COUNT_UNSUPPORTED, format!("the chat is {}", mode.as_str()))
        .by_rule("chat_mode")
        .with_fact("chat_mode", mode.as_str()))
}

/// The name after an update. The update page has a code only for a name that is too long.
pub fn new_name(chat_type: ChatType, new: &str) -> Result<&str, Fault> {
    let new = name(chat_type, new).map_err(|fault| {
        Fault::new(codes::PARAM_INVALID, fault.note().to_owned()).with_violation(
            "name",
            Some(new),
            "the min len is 2",
        )
    })?;
    text_fits("name", new, NAME_MAX, codes::TAB_NAME_TOO_LONG)?;
    Ok(new)
}

/// Names in other languages have the same limit as the name.
pub fn i18n_names_fit(names: &I18nNames, code: Code) -> Result<(), Fault> {
    let texts = [
        ("i18n_names.zh_cn", &names.zh_cn),
        ("i18n_names.en_us", &names.en_us),
        ("i18n_names.ja_jp", &names.ja_jp),
    ];
    let given = texts.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?)));
    given.into_iter().try_for_each(|(field, name)| text_fits(field, name, NAME_MAX, code))
}

/// A description has at most [`DESCRIPTION_MAX`] characters.
pub fn description_fits(description: &str) -> Result<(), Fault> {
    text_fits("description", description, DESCRIPTION_MAX, codes::PARAM_INVALID)
}

/// A text of at most `max` characters.
pub fn text_fits(field: &str, text: &str, max: usize, code: Code) -> Result<(), Fault> {
    if text.chars().count() <= max {
        return Ok(());
    }
    Err(Fault::new(code, format!("{field} is too long")).with_violation(
        field,
        None,
        &format!("the max len is {max}"),
    ))
}

/// Only groups, not topic or p2p chats (232008). Source: the update and delete pages.
pub fn is_group(chat: &Chat) -> Result<(), Fault> {
    if chat.mode == ChatMode::Group {
        return Ok(());
    }
    Err(Fault::new(codes::CHAT_TYPE_UNSUPPORTED, format!("the chat is {}", chat.mode.as_str()))
        .by_rule("only_groups")
        .with_fact("chat_mode", chat.mode.as_str()))
}

/// Owner, managers and the creator bot may edit everything. Other members may edit the visible information of a chat,
/// if the chat lets them. `restricted` is a field of the request that they may not edit.
///
/// # Errors
/// 232002 if the chat lets only owner and managers edit, 232016 for a field.
pub fn may_edit(chat: &Chat, standing: &Standing, restricted: Option<&'static str>) -> Result<(), Fault> {
    if standing.manages() || standing.creator {
        return Ok(());
    }
    if chat.settings.edit_permission != Permission::AllMembers {
        return Err(Fault::new(codes::EDIT_NEEDS_MANAGER, "edit_permission is only_owner")
            .by_rule("edit_permission")
            .with_fact("edit_permission", "only_owner")
            .with_fact("standing", standing.role.name())
            .with_fix(set_chat(chat, json!({"settings": {"edit_permission": "all_members"}}))));
    }
    match restricted {
        Some(field) => {
            Err(Fault::new(codes::FIELD_NEEDS_MANAGER, format!("an ordinary member sets {field}"))
                .by_rule("fields_of_managers")
                .with_fact("field", field)
                .with_fact("standing", standing.role.name()))
        }
        None => Ok(()),
    }
}

/// The two permissions to add members must be sent together and agree. Source: the update page.
///
/// If one is missing, the refusal names the chat's present value.
pub fn permissions_agree(
    present: &ChatSettings,
    add: Option<Permission>,
    share: Option<SharePermission>,
) -> Result<(), Fault> {
    let (field, value, asked) = match (add, share) {
        (None, None)
        | (Some(Permission::OnlyOwner), Some(SharePermission::NotAllowed))
        | (Some(Permission::AllMembers), Some(SharePermission::Allowed)) => return Ok(()),
        (None, Some(_)) => {
            let present = present.add_member_permission.as_str();
            ("add_member_permission", present, "must come with share_card_permission")
        }
        (Some(_), None) => {
            let present = present.share_card_permission.as_str();
            ("share_card_permission", present, "must come with add_member_permission")
        }
        (Some(_), Some(share)) => {
            ("share_card_permission", share.as_str(), "must agree with add_member_permission")
        }
    };
    let fault = Fault::new(codes::PARAM_INVALID, "add_member_permission and share_card_permission disagree");
    Err(fault.with_violation(field, Some(value), asked))
}

/// Only the owner and the creator bot may dissolve a chat and moderate it (232017). Source: the delete and moderation
/// pages.
pub fn owns(standing: &Standing) -> Result<(), Fault> {
    if standing.role == Role::Owner || standing.creator {
        return Ok(());
    }
    Err(Fault::new(codes::NEEDS_OWNER_OR_CREATOR, "the operator is neither owner nor creator with the scope")
        .by_rule("owner_or_creator")
        .with_fact("standing", standing.role.name())
        .with_fact("creator_with_scope", "false"))
}

/// Whether the operator may change who may speak: the owner and the creator bot, unless the platform has banned the chat
/// (232060) or a meeting with restricted access takes place (232092). Source: the moderation page.
pub fn may_moderate(holds: Holds, standing: &Standing) -> Result<(), Fault> {
    if holds.banned {
        return Err(Fault::new(codes::CHAT_BANNED, "the chat is banned")
            .by_rule("chat_holds")
            .with_fact("banned", "true"));
    }
    owns(standing)?;
    if holds.meeting {
        return Err(in_meeting(codes::MEETING_IN_PROGRESS));
    }
    Ok(())
}

/// While a meeting with restricted access takes place, approval of new members cannot be turned off (232093).
/// Source: the update page.
pub fn approval_stays(old: &Chat, new: &Chat, meeting: bool) -> Result<(), Fault> {
    let asks = |chat: &Chat| chat.settings.membership_approval == MembershipApproval::ApprovalRequired;
    if meeting && asks(old) && !asks(new) {
        return Err(in_meeting(codes::MEETING_RESTRICTED));
    }
    Ok(())
}

fn in_meeting(code: Code) -> Fault {
    Fault::new(code, "a meeting takes place in the chat").by_rule("chat_holds").with_fact("meeting", "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Standing = Standing { role: Role::Owner, creator: false };
    const MANAGER: Standing = Standing { role: Role::Manager, creator: false };
    const MEMBER: Standing = Standing { role: Role::Member, creator: false };
    const CREATOR: Standing = Standing { role: Role::Member, creator: true };

    #[test]
    fn owning() {
        assert!(owns(&OWNER).is_ok() && owns(&CREATOR).is_ok());
        for other in [MANAGER, MEMBER] {
            assert_eq!(owns(&other).expect_err("refused").code(), codes::NEEDS_OWNER_OR_CREATOR);
        }
    }

    #[test]
    fn the_two_permissions_agree() {
        use Permission::{AllMembers, OnlyOwner};
        use SharePermission::{Allowed, NotAllowed};
        for (add, share, good) in [
            (None, None, true),
            (Some(OnlyOwner), Some(NotAllowed), true),
            (Some(AllMembers), Some(Allowed), true),
            (Some(OnlyOwner), Some(Allowed), false),
            (Some(AllMembers), Some(NotAllowed), false),
            (Some(AllMembers), None, false),
            (None, Some(Allowed), false),
        ] {
            let present = ChatSettings::default();
            assert_eq!(permissions_agree(&present, add, share).is_ok(), good, "{add:?} {share:?}");
        }
    }

    #[test]
    fn a_missing_permission_is_named_with_its_value() {
        let present =
            ChatSettings { add_member_permission: Permission::OnlyOwner, ..ChatSettings::default() };
        let told = |add, share| {
            let fault = permissions_agree(&present, add, share).expect_err("refused");
            let violation = fault.violations()[0].clone();
            (violation.field, violation.value.expect("a value"))
        };
        let share = told(Some(Permission::AllMembers), None);
        assert_eq!(share, ("share_card_permission".to_owned(), "allowed".to_owned()));
        let add = told(None, Some(SharePermission::Allowed));
        assert_eq!(add, ("add_member_permission".to_owned(), "only_owner".to_owned()));
    }

    #[test]
    fn names() {
        assert_eq!(name(ChatType::Private, "").expect("fits"), NO_NAME);
        assert_eq!(name(ChatType::Private, "a").expect("fits"), "a");
        assert_eq!(name(ChatType::Public, "群聊").expect("fits"), "群聊");
        assert_eq!(name(ChatType::Public, "").expect_err("empty").code(), codes::PUBLIC_NAME_EMPTY);
        assert_eq!(name(ChatType::Public, "群").expect_err("short").code(), codes::PUBLIC_NAME_TOO_SHORT);
    }

    #[test]
    fn restricted_mode_agrees_with_its_settings() {
        let off = RestrictedMode::default();
        assert!(restricted_mode(&off).is_ok());
        assert!(restricted_mode(&RestrictedMode { status: true, ..off.clone() }).is_err());
        let one = RestrictedMode { download_has_permission_setting: RestrictedPermission::NotAnyone, ..off };
        assert!(restricted_mode(&one).is_err());
        assert!(restricted_mode(&RestrictedMode { status: true, ..one }).is_ok());
    }
}
