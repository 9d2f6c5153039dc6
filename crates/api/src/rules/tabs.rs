//! What may be a tab, and who may make one.

use larkspur_contract::model::{ChatMode, Permission, TabType};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::Chat;

use crate::standing::Standing;

/// The most custom tabs that a chat may have. Source: the create page.
pub const CUSTOM_MAX: usize = 20;
/// The most characters (Unicode scalar values) of a tab's name. Source: the create page.
pub const NAME_MAX: usize = 60;

/// Only `doc` and `url` tabs can be written, and only they count.
pub fn is_custom(tab_type: TabType) -> bool {
    matches!(tab_type, TabType::Doc | TabType::Url)
}

/// Whether a chat's mode has tabs at all: group and p2p do, topic does not.
pub fn mode_has_tabs(chat: &Chat) -> Result<(), Fault> {
    match chat.mode {
        ChatMode::Group | ChatMode::P2p => Ok(()),
        ChatMode::Topic => Err(Fault::new(codes::TAB_CHAT_UNSUPPORTED, "a topic chat has no tabs")),
    }
}

/// Whether the operator may manage tabs: everybody, or owner and managers alone if the chat says so.
///
/// The setting belongs to the client; in a chat of two parties it does not apply. Being the creator with the scope to
/// act as owner does not help (assumed: the pages do not mention it here).
pub fn may_manage(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    if chat.mode == ChatMode::P2p || chat.manage_widgets == Permission::AllMembers || standing.manages() {
        return Ok(());
    }
    Err(Fault::new(codes::NO_WIDGET_PERMISSION, "only owner and managers manage tabs in this chat"))
}

/// Whether a name is short enough.
pub fn name_fits(name: &str) -> Result<(), Fault> {
    let length = name.chars().count();
    if length > NAME_MAX {
        return Err(Fault::new(codes::TAB_NAME_TOO_LONG, format!("the name has {length} characters")));
    }
    Ok(())
}

/// Whether a text is an address: `http://` or `https://` in any case, and a host.
pub fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        text.get(..scheme.len())
            .filter(|head| head.eq_ignore_ascii_case(scheme))
            .map(|_| &text[scheme.len()..])
    });
    rest.is_some_and(|rest| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.trim().is_empty()))
}

/// Whether a chat with so many custom tabs may be given so many more.
pub fn count_fits(present: usize, more: usize) -> Result<(), Fault> {
    if present + more > CUSTOM_MAX {
        return Err(Fault::new(codes::TAB_LIMIT, format!("{present} custom tabs and {more} more")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_counted_in_characters() {
        assert!(name_fits(&"文".repeat(60)).is_ok());
        assert_eq!(name_fits(&"文".repeat(61)).expect_err("too long").code(), codes::TAB_NAME_TOO_LONG);
    }

    #[test]
    fn addresses() {
        for good in ["http://a", "https://www.feishu.cn", "HTTPS://X/y?z", "https://例え.jp/"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "http",
            "http://",
            "https:///path",
            "ftp://a",
            "www.feishu.cn",
            " https://a",
            "https://?q",
            "httpsx://a",
            "日本語",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC*") {
            let _ = is_address(&text);
            let _ = name_fits(&text);
        }

        #[test]
        fn twenty_is_the_last(present in 0usize..=25, more in 0usize..=25) {
            prop_assert_eq!(count_fits(present, more).is_ok(), present + more <= 20);
        }
    }
}
