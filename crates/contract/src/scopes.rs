//! The permission scopes: those that operations require, and the others of the platform.
//!
//! To add a scope for a new operation, add it to the macro below. Nothing else is needed.

pub mod others;

/// A permission scope, such as `im:chat`.
pub type Scope = &'static str;

macro_rules! scopes {
    ($($name:ident = $text:literal;)*) => {
        $(#[doc = concat!("`` ", $text, " ``")] pub const $name: Scope = $text;)*
        /// Every scope that an operation or an event of Larkspur requires or that makes a field visible, in the order of this file.
        /// An app that is created without a list of scopes gets all of them.
        pub const ALL: &[Scope] = &[$($name),*];
    };
}

scopes! {
    IM_TAG_READ = "im:tag:read";
    IM_TAG_WRITE = "im:tag:write";
    IM_TAG_RELATION_READ = "im:biz_entity_tag_relation:read";
    IM_TAG_RELATION_WRITE = "im:biz_entity_tag_relation:write";
    IM_CHAT = "im:chat";
    IM_CHAT_READ = "im:chat:read";
    IM_CHAT_READONLY = "im:chat:readonly";
    IM_CHAT_CREATE = "im:chat:create";
    IM_CHAT_CREATE_BY_USER = "im:chat:create_by_user";
    IM_CHAT_UPDATE = "im:chat:update";
    IM_CHAT_DELETE = "im:chat:delete";
    IM_CHAT_GROUP_INFO = "im:chat.group_info:readonly";
    IM_CHAT_AS_OWNER = "im:chat:operate_as_owner";
    IM_CHAT_TABS_READ = "im:chat.tabs:read";
    IM_CHAT_TABS_WRITE = "im:chat.tabs:write_only";
    IM_CHAT_MEMBERS_READ = "im:chat.members:read";
    IM_CHAT_MEMBERS_BOT_ACCESS = "im:chat.members:bot_access";
    IM_CHAT_MEMBERS_WRITE = "im:chat.members:write_only";
    IM_CHAT_MANAGERS_WRITE = "im:chat.managers:write_only";
    IM_CHAT_MODERATION_READ = "im:chat.moderation:read";
    IM_CHAT_MODERATION_WRITE = "im:chat:moderation:write_only";
    IM_CHAT_TOP_NOTICE_WRITE = "im:chat.top_notice:write_only";
    IM_CHAT_MENU_READ = "im:chat.menu_tree:read";
    IM_CHAT_MENU_WRITE = "im:chat.menu_tree:write_only";
    IM_CHAT_ANNOUNCEMENT_READ = "im:chat.announcement:read";
    IM_CHAT_ANNOUNCEMENT_WRITE = "im:chat.announcement:write_only";
    BOT_BASIC_INFO = "bot:basic_info";
    IM_RESOURCE = "im:resource";
    IM_RESOURCE_UPLOAD = "im:resource:upload";
    IM_MESSAGE = "im:message";
    IM_MESSAGE_READONLY = "im:message:readonly";
    IM_MESSAGE_SEND_AS_BOT = "im:message:send_as_bot";
    IM_MESSAGE_SEND = "im:message:send";
    IM_MESSAGE_SEND_AS_USER = "im:message.send_as_user";
    IM_MESSAGE_UPDATE = "im:message:update";
    IM_MESSAGE_RECALL = "im:message:recall";
    IM_MESSAGE_BASIC = "im:message:basic";
    IM_MESSAGE_GET_AS_USER = "im:message:get_as_user";
    IM_MESSAGE_HISTORY = "im:message.history:readonly";
    IM_MESSAGE_P2P = "im:message.p2p_msg";
    IM_MESSAGE_P2P_READONLY = "im:message.p2p_msg:readonly";
    IM_MESSAGE_P2P_AS_USER = "im:message.p2p_msg:get_as_user";
    IM_MESSAGE_GROUP = "im:message.group_msg";
    IM_MESSAGE_GROUP_READONLY = "im:message.group_msg:readonly";
    IM_MESSAGE_GROUP_AS_USER = "im:message.group_msg:get_as_user";
    IM_MESSAGE_GROUP_AT = "im:message.group_at_msg";
    IM_MESSAGE_GROUP_AT_READONLY = "im:message.group_at_msg:readonly";
    IM_MESSAGE_GROUP_AT_BOTS = "im:message.group_at_msg.include_bot:readonly";
    IM_MESSAGE_SYSTEM = "im:message:send_sys_msg";
    IM_MESSAGE_MULTI_USERS = "im:message:send_multi_users";
    IM_MESSAGE_MULTI_DEPARTMENTS = "im:message:send_multi_depts";
    IM_MESSAGE_READ_STATUS = "im:message.read_status:readonly";
    IM_MESSAGE_REACTIONS_READ = "im:message.reactions:read";
    IM_MESSAGE_REACTIONS_WRITE = "im:message.reactions:write_only";
    IM_MESSAGE_PINS_READ = "im:message.pins:read";
    IM_MESSAGE_PINS_WRITE = "im:message.pins:write_only";
    IM_MESSAGE_URGENT = "im:message.urgent";
    IM_MESSAGE_URGENT_APP = "im:message.urgent:app_send";
    IM_MESSAGE_URGENT_SMS = "im:message.urgent:sms";
    IM_MESSAGE_URGENT_SMS_SEND = "im:message.urgent:sms_send";
    IM_MESSAGE_URGENT_PHONE = "im:message.urgent:phone";
    IM_MESSAGE_URGENT_PHONE_SEND = "im:message.urgent:phone_send";
    IM_URL_PREVIEW_UPDATE = "im:url_preview.update";
    IM_USER_AGENT = "im:user_agent:read";
    SEARCH_MESSAGE = "search:message";
    CARDKIT_CARD_WRITE = "cardkit:card:write";
    CARDKIT_CARD_READ = "cardkit:card:read";
    CONTACT_EMPLOYEE_ID = "contact:user.employee_id:readonly";
    CONTACT_USER_ID = "contact:user.id:readonly";
    CONTACT_USER_BASE = "contact:user.base:readonly";
    CONTACT_BASE = "contact:contact.base:readonly";
    CONTACT_AS_APP = "contact:contact:readonly_as_app";
    CONTACT_ACCESS_AS_APP = "contact:contact:access_as_app";
    CONTACT_READONLY = "contact:contact:readonly";
    CONTACT_EMAIL = "contact:user.email:readonly";
    CONTACT_PHONE = "contact:user.phone:readonly";
    CONTACT_EMPLOYEE = "contact:user.employee:readonly";
    CONTACT_EMPLOYEE_NUMBER = "contact:user.employee_number:read";
    CONTACT_GENDER = "contact:user.gender:readonly";
    CONTACT_DEPARTMENT = "contact:user.department:readonly";
    CONTACT_DOTTED_LINE = "contact:user.dotted_line_leader_info.read";
    CONTACT_DEPARTMENT_PATH = "contact:user.department_path:readonly";
    CONTACT_GEO = "contact:user.user_geo";
    CONTACT_JOB_LEVEL = "contact:user.job_level:readonly";
    CONTACT_JOB_FAMILY = "contact:user.job_family:readonly";
    CONTACT_ASSIGN_INFO = "contact:user.assign_info:read";
    CONTACT_BASIC_PROFILE = "contact:user.basic_profile:readonly";
    CONTACT_ORGANIZE = "contact:department.organize:readonly";
    APPLICATION_SELF_MANAGE = "application:application:self_manage";
    APPLICATION_BOT_OPERATOR_NAME = "application:application.bot.operator_name:readonly";
    APPLICATION_PATCH = "application:application:patch";
    ADMIN_APP_INFO = "admin:app.info:readonly";
    EVENT_IP_LIST = "event:ip_list";
    TENANT_READONLY = "tenant:tenant:readonly";
    TENANT_DOMAIN = "tenant:tenant.domain:read";
    OFFLINE_ACCESS = "offline_access";
    BITABLE_APP = "bitable:app";
    BITABLE_BITABLE = "bitable:bitable";
    DOCS_DOC = "docs:doc";
    DOCS_MEDIA_UPLOAD = "docs:document.media:upload";
    DOCS_MEMBER_CREATE = "docs:permission.member:create";
    DOCS_MEMBER_RETRIEVE = "docs:permission.member:retrieve";
    DOCS_MEMBER_READONLY = "docs:permission.member:readonly";
    DOCS_MEMBER_UPDATE = "docs:permission.member:update";
    DOCS_MEMBER_DELETE = "docs:permission.member:delete";
    DOCS_MEMBER_AUTH = "docs:permission.member:auth";
    DRIVE_DRIVE = "drive:drive";
    DRIVE_FILE = "drive:file";
    SHEETS_SPREADSHEET = "sheets:spreadsheet";
    WIKI_WIKI = "wiki:wiki";
}

/// Whether an app or a user may be granted this scope.
///
/// In the sections that Larkspur serves, a scope is known by its full name: it is in [`ALL`], or in the list of scopes
/// that no operation of Larkspur requires ([`others::OTHERS`]). In other sections of the platform, whose scopes are
/// never checked, every well-formed name of a known section is accepted ([`others::SECTIONS`]).
pub fn is_known(scope: &str) -> bool {
    ALL.contains(&scope) || others::OTHERS.contains(&scope) || is_of_another_section(scope)
}

/// The known scopes, to suggest one for a misspelled name.
pub fn known() -> impl Iterator<Item = Scope> {
    ALL.iter().chain(others::OTHERS).copied()
}

fn is_of_another_section(scope: &str) -> bool {
    let letters = |part: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !part.is_empty() && part.chars().all(inner)
    };
    scope.split_once(':').is_some_and(|(section, rest)| {
        others::SECTIONS.contains(&section) && rest.len() <= 200 && rest.split(':').all(letters)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_scopes() {
        for known in [
            "im:chat",
            "im:message:send_as_bot",
            "offline_access",
            "hire:exam:readonly",
            "okr:okr.content:writeonly",
        ] {
            assert!(is_known(known), "{known}");
        }
        for unknown in
            ["im:chatt", "im:chat ", "", "hire", "hire:", "hire:a b", "hires:exam", "IM:chat", "im:"]
        {
            assert!(!is_known(unknown), "{unknown}");
        }
    }

    #[test]
    fn lists_are_sorted_and_a_section_is_in_one_of_them() {
        assert!(others::OTHERS.is_sorted() && others::SECTIONS.is_sorted());
        for scope in known() {
            let section = scope.split(':').next().unwrap_or_default();
            assert!(!others::SECTIONS.contains(&section), "{scope}: names of {section} are known one by one");
        }
    }
}
