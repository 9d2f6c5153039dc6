//! Who may be in a chat, and who may change that.

use larkspur_contract::model::{ChatMode, ChatType, MembershipApproval, Permission};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::chats::{Chat, Member};

use super::chats::BOTS_MAX;
use serde_json::json;

use crate::standing::{Role, Standing, set_chat};

/// The most users that one call adds or removes. Source: the members pages.
pub const USERS_A_CALL: usize = 50;
/// The most bots that one call adds or removes. Source: the members pages.
pub const BOTS_A_CALL: usize = 5;
/// The most users of a group, and of a topic group. Source: the members page.
pub const USERS_MAX: i64 = 5000;
/// The most users of a meeting group. Source: the members page.
pub const MEETING_USERS_MAX: i64 = 3000;
/// The most managers of a group. Source: the managers page.
pub const MANAGERS_MAX: usize = 10;
/// The most managers of a supergroup. Assumed: a chat of more than [`USERS_MAX`] users.
pub const SUPERGROUP_MANAGERS_MAX: usize = 20;

/// Checks the length of a list of ids: at most 50 users, or 5 bots.
pub fn list_fits(field: &str, length: usize, bots: bool) -> Result<(), Fault> {
    let most = if bots { BOTS_A_CALL } else { USERS_A_CALL };
    if length <= most {
        return Ok(());
    }
    Err(Fault::new(codes::PARAM_INVALID, format!("{length} ids in {field}")).with_violation(
        field,
        None,
        &format!("the max len is {most}"),
    ))
}

/// Whether members of the chat can be added and removed.
pub fn has_members(chat: &Chat) -> bool {
    chat.mode != ChatMode::P2p
}

/// Checks that the operator may add members. A chat can restrict this to owner, managers and the creator bot.
pub fn may_add(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    if chat.settings.add_member_permission == Permission::AllMembers || standing.manages() || standing.creator
    {
        return Ok(());
    }
    Err(Fault::new(codes::NEEDS_OWNER_OR_CREATOR, "only owner and managers add members to this chat")
        .by_rule("add_member_permission")
        .with_fact("add_member_permission", "only_owner")
        .with_fact("standing", standing.role.name())
        .with_fix(set_chat(chat, json!({"settings": {"add_member_permission": "all_members"}}))))
}

/// Checks that the operator may add and remove managers: only the owner may.
pub fn may_appoint(standing: &Standing) -> Result<(), Fault> {
    if standing.role == Role::Owner {
        return Ok(());
    }
    Err(Fault::new(codes::NOT_OWNER, "only the owner adds and removes managers")
        .by_rule("appoint_managers")
        .with_fact("standing", standing.role.name()))
}

/// Checks that members of the chat can be added, removed and made managers. Pages differ in the code for p2p chats.
pub fn change(chat: &Chat, code: Code) -> Result<(), Fault> {
    if has_members(chat) {
        return Ok(());
    }
    Err(Fault::new(code, "the members of a p2p chat do not change"))
}

/// Whether members that the operator invites wait for approval. Invitations by owner and managers do not.
pub fn needs_approval(chat: &Chat, standing: &Standing) -> bool {
    chat.settings.membership_approval == MembershipApproval::ApprovalRequired && !standing.manages()
}

/// Whether the operator may see the users of the chat and their number: all members, or only owner and managers if
/// the chat says so (assumed for the users themselves).
pub fn may_count(chat: &Chat, standing: &Standing) -> bool {
    chat.settings.hide_member_count_setting == Permission::AllMembers || standing.manages()
}

/// Checks that the operator may remove others: only owner, managers and the creator bot may.
pub fn may_remove(standing: &Standing) -> Result<(), Fault> {
    if standing.manages() || standing.creator {
        return Ok(());
    }
    Err(Fault::new(codes::TOKEN_LACKS_PERMISSION, "an ordinary member can remove only itself")
        .by_rule("remove_members")
        .with_fact("standing", standing.role.name()))
}

/// Checks that a chat can be joined without an invitation: a public group of the tenant.
pub fn may_join(chat: &Chat) -> Result<(), Fault> {
    if has_members(chat) && chat.chat_type == ChatType::Public && !chat.external {
        return Ok(());
    }
    Err(Fault::new(codes::CHAT_TYPE_UNSUPPORTED, "only public groups can be joined without an invitation")
        .by_rule("public_groups_can_be_joined")
        .with_fact("chat_mode", chat.mode.as_str())
        .with_fact("chat_type", chat.chat_type.as_str())
        .with_fact("external", chat.external.to_string())
        .with_fix(set_chat(chat, json!({"chat_type": "public"}))))
}

/// Checks that the chat has room for new members. `admin` is the limit of the tenant's administrators, which replaces
/// the usual one.
pub fn fits(chat: &Chat, new: &[Member], admin: Option<i64>) -> Result<(), Fault> {
    let bots = new.iter().filter(|member| matches!(member, Member::Bot(_))).count();
    let users = chat.user_count.saturating_add(count(new.len() - bots));
    if bots > 0 && chat.bot_count.saturating_add(count(bots)) > count(BOTS_MAX) {
        let fault = Fault::new(codes::MEMBER_LIMIT, format!("a chat has at most {BOTS_MAX} bots"));
        return Err(limited(fault, ("bots", chat.bot_count), count(BOTS_MAX)));
    }
    let usual = if chat.tag == "meeting" { MEETING_USERS_MAX } else { USERS_MAX };
    if new.len() == bots || users <= admin.unwrap_or(usual) {
        return Ok(());
    }
    let fault = match admin {
        Some(most) => {
            Fault::new(codes::MEMBER_LIMIT_BY_ADMIN, format!("the administrators allow {most} users"))
        }
        None => Fault::new(codes::MEMBER_LIMIT, format!("this chat has at most {usual} users")),
    };
    Err(limited(fault, ("users", chat.user_count), admin.unwrap_or(usual)))
}

/// A limit on what a chat has; `has` is its name and how many there are.
fn limited(fault: Fault, has: (&'static str, i64), most: i64) -> Fault {
    fault.by_rule("chat_limits").with_fact(has.0, has.1.to_string()).with_fact("limit", most.to_string())
}

/// Whether the operator may add itself as a manager: the bot that created a chat that no user owns. Source: seen live.
pub fn appoints_itself(chat: &Chat, operator: &Member) -> bool {
    let owned_by_a_user = matches!(chat.owner, Some(Member::User(_)));
    matches!(operator, Member::Bot(app) if chat.creator_app == Some(*app)) && !owned_by_a_user
}

/// Checks the number of managers of a chat.
pub fn managers_fit(chat: &Chat, managers: usize) -> Result<(), Fault> {
    let most = if chat.user_count > USERS_MAX { SUPERGROUP_MANAGERS_MAX } else { MANAGERS_MAX };
    if managers <= most {
        return Ok(());
    }
    let fault = Fault::new(codes::MANAGER_LIMIT, format!("{managers} managers, of at most {most}"));
    Err(limited(fault, ("managers", count(managers)), count(most)))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use larkspur_contract::ids::{AppId, ChatId};
    use larkspur_contract::model::{ChatSettings, ChatStatus, GroupMessageType, I18nNames};

    use super::*;

    fn chat() -> Chat {
        Chat {
            chat_id: ChatId(1),
            mode: ChatMode::Group,
            chat_type: ChatType::Private,
            tag: "inner".to_owned(),
            status: ChatStatus::Normal,
            external: false,
            name: String::new(),
            description: String::new(),
            i18n_names: I18nNames::default(),
            avatar: String::new(),
            owner: None,
            creator_app: None,
            group_message_type: GroupMessageType::Chat,
            settings: ChatSettings::default(),
            manage_widgets: Permission::AllMembers,
            conditions: Vec::new(),
            user_count: 0,
            bot_count: 0,
        }
    }

    fn users(number: usize) -> Vec<Member> {
        (0..number).map(|n| Member::User(n.to_string())).collect()
    }

    #[test]
    fn caps_are_the_documented_ones() {
        let refusal = |chat: &Chat, new: &[Member], admin| fits(chat, new, admin).err().map(|f| f.code());
        let with = |user_count, bot_count| Chat { user_count, bot_count, ..chat() };
        assert_eq!(refusal(&with(4999, 0), &users(1), None), None);
        assert_eq!(refusal(&with(4999, 0), &users(2), None), Some(codes::MEMBER_LIMIT));
        let meeting = Chat { tag: "meeting".to_owned(), ..with(2999, 0) };
        assert_eq!(refusal(&meeting, &users(1), None), None);
        assert_eq!(refusal(&meeting, &users(2), None), Some(codes::MEMBER_LIMIT));
        assert_eq!(refusal(&with(5, 0), &users(1), Some(5)), Some(codes::MEMBER_LIMIT_BY_ADMIN));
        assert_eq!(refusal(&with(7999, 0), &users(1), Some(8000)), None, "an administrator may allow more");
        let bot = [Member::Bot(AppId(1))];
        assert_eq!(refusal(&with(0, 14), &bot, None), None);
        assert_eq!(refusal(&with(0, 15), &bot, None), Some(codes::MEMBER_LIMIT));
        assert_eq!(refusal(&with(9000, 0), &bot, Some(1)), None, "bots are not users");
        assert_eq!(refusal(&with(0, 99), &users(1), None), None, "users are not bots");
    }

    #[test]
    fn managers_are_ten_or_twenty() {
        let small = Chat { user_count: 5000, ..chat() };
        let large = Chat { user_count: 5001, ..chat() };
        assert!(managers_fit(&small, 10).is_ok() && managers_fit(&small, 11).is_err());
        assert!(managers_fit(&large, 20).is_ok() && managers_fit(&large, 21).is_err());
    }

    #[test]
    fn who_decides() {
        let standing = |role, creator| Standing { role, creator };
        let mut hidden = chat();
        hidden.settings.hide_member_count_setting = Permission::OnlyOwner;
        for (role, knows) in [(Role::Owner, true), (Role::Manager, true), (Role::Member, false)] {
            assert!(may_count(&chat(), &standing(role, false)));
            assert_eq!(may_count(&hidden, &standing(role, true)), knows, "{role:?}");
        }
        let mut closed = chat();
        closed.settings.add_member_permission = Permission::OnlyOwner;
        closed.settings.membership_approval = MembershipApproval::ApprovalRequired;
        for (role, creator, decides) in [
            (Role::Owner, false, true),
            (Role::Manager, false, true),
            (Role::Member, false, false),
            (Role::Member, true, true),
        ] {
            let standing = standing(role, creator);
            assert!(may_add(&chat(), &standing).is_ok());
            assert!(!needs_approval(&chat(), &standing));
            assert_eq!(may_add(&closed, &standing).is_ok(), decides, "{role:?} {creator}");
            assert_eq!(needs_approval(&closed, &standing), role == Role::Member, "{role:?} {creator}");
            assert_eq!(may_remove(&standing).is_ok(), decides, "{role:?} {creator}");
        }
    }

    #[test]
    fn public_groups_of_the_tenant_are_joined_without_invitation() {
        let public = Chat { chat_type: ChatType::Public, ..chat() };
        assert!(may_join(&public).is_ok());
        assert!(may_join(&Chat { mode: ChatMode::Topic, ..public.clone() }).is_ok());
        for closed in [
            chat(),
            Chat { external: true, ..public.clone() },
            Chat { mode: ChatMode::P2p, ..public.clone() },
        ] {
            assert_eq!(may_join(&closed).expect_err("closed").code(), codes::CHAT_TYPE_UNSUPPORTED);
        }
    }

    #[test]
    fn lists_are_short() {
        assert!(list_fits("id_list", 50, false).is_ok() && list_fits("id_list", 51, false).is_err());
        assert!(list_fits("id_list", 5, true).is_ok() && list_fits("id_list", 6, true).is_err());
    }
}
