//! What a chat may be.

use larkspur_contract::model::{ChatType, RestrictedMode, RestrictedPermission};
use larkspur_contract::{Fault, codes};

/// The name of a private chat that was given none. Source: the create page.
pub const NO_NAME: &str = "(无主题)";
/// The most bots of a chat. Source: the members page.
pub const BOTS_MAX: usize = 15;
/// For how long a `uuid` is answered with the first chat, in milliseconds. Source: the create page ("10 hours").
pub const UUID_LIFE_MS: i64 = 10 * 3600 * 1000;

/// The name that a chat of this type gets; a public one must have two characters.
pub fn name(chat_type: ChatType, name: &str) -> Result<&str, Fault> {
    match (chat_type, name.chars().count()) {
        (ChatType::Public, 0) => Err(Fault::new(codes::PUBLIC_NAME_EMPTY, "a public chat needs a name")),
        (ChatType::Public, 1) => Err(Fault::new(codes::PUBLIC_NAME_TOO_SHORT, "the name has one character")),
        (ChatType::Private, 0) => Ok(NO_NAME),
        _ => Ok(name),
    }
}

/// Restricted mode restricts something when it is on, and nothing when it is off.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(ChatType::Private, "").expect("fits"), NO_NAME);
        assert_eq!(name(ChatType::Private, "a").expect("fits"), "a");
        assert_eq!(name(ChatType::Public, "群聊").expect("fits"), "群聊");
        assert_eq!(name(ChatType::Public, "").expect_err("empty").code(), codes::PUBLIC_NAME_EMPTY);
        assert_eq!(name(ChatType::Public, "群").expect_err("short").code(), codes::PUBLIC_NAME_TOO_SHORT);
    }

    #[test]
    fn restricted_mode_means_what_it_says() {
        let off = RestrictedMode::default();
        assert!(restricted_mode(&off).is_ok());
        assert!(restricted_mode(&RestrictedMode { status: true, ..off.clone() }).is_err());
        let one = RestrictedMode { download_has_permission_setting: RestrictedPermission::NotAnyone, ..off };
        assert!(restricted_mode(&one).is_err());
        assert!(restricted_mode(&RestrictedMode { status: true, ..one }).is_ok());
    }
}
