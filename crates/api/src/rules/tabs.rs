//! Rules for tabs.

use larkspur_contract::ids::TabId;
use larkspur_contract::model::{ChatMode, TabType};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::Chat;
use larkspur_store::tabs::Tab;

use super::widgets::is_address;

/// The most custom tabs that a chat may have. Source: the create page.
pub const CUSTOM_MAX: usize = 20;
/// The most characters (Unicode scalar values) of a tab's name. Source: the create page.
pub const NAME_MAX: usize = 60;

/// Only `doc` and `url` tabs can be written, and only they are counted.
pub fn is_custom(tab_type: TabType) -> bool {
    matches!(tab_type, TabType::Doc | TabType::Url)
}

/// Whether a chat's mode has tabs: group and p2p do, topic does not.
pub fn mode_has_tabs(chat: &Chat) -> Result<(), Fault> {
    match chat.mode {
        ChatMode::Group | ChatMode::P2p => Ok(()),
        ChatMode::Topic => Err(Fault::new(codes::TAB_CHAT_UNSUPPORTED, "a topic chat has no tabs")
            .by_rule("chat_mode")
            .with_fact("chat_mode", "topic")),
    }
}

/// Whether a name is short enough.
pub fn name_fits(name: &str) -> Result<(), Fault> {
    let length = name.chars().count();
    if length > NAME_MAX {
        return Err(Fault::new(codes::TAB_NAME_TOO_LONG, format!("the name has {length} characters"))
            .with_fact("characters", length.to_string())
            .with_fact("limit", NAME_MAX.to_string()));
    }
    Ok(())
}

/// Whether a custom tab may open this: a URL and, for a `doc` tab, one of a known kind of document.
pub fn content_fits(tab_type: TabType, target: &str) -> Result<(), Fault> {
    let known = tab_type != TabType::Doc || super::documents::parse_url(target).is_some();
    if is_address(target) && known {
        return Ok(());
    }
    Err(Fault::new(
        codes::TAB_CONTENT_ILLEGAL,
        format!("the content of a {} tab is not a URL of its kind", tab_type.as_str()),
    )
    .with_fact("tab_type", tab_type.as_str()))
}

/// Whether a list of ids is an order of these tabs: each of them once, the message tab first.
pub fn is_order(present: &[Tab], asked: &[TabId]) -> bool {
    let mut left: Vec<TabId> = present.iter().map(|tab| tab.tab_id).collect();
    for id in asked {
        match left.iter().position(|present| present == id) {
            Some(at) => left.swap_remove(at),
            None => return false,
        };
    }
    let message = present.iter().find(|tab| tab.tab_type == TabType::Message).map(|tab| tab.tab_id);
    left.is_empty() && (message.is_none() || asked.first().copied() == message)
}

/// Whether `more` custom tabs can be added to a chat.
pub fn count_fits(present: usize, more: usize) -> Result<(), Fault> {
    if present + more > CUSTOM_MAX {
        return Err(Fault::new(codes::TAB_LIMIT, format!("{present} custom tabs and {more} more"))
            .with_fact("custom_tabs", present.to_string())
            .with_fact("limit", CUSTOM_MAX.to_string()));
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
    fn an_order_has_each_tab_once_and_the_message_tab_first() {
        let tab = |id, tab_type| Tab {
            tab_id: TabId(id),
            tab_type,
            name: String::new(),
            target: String::new(),
            config: None,
            position: 0,
        };
        let present = [tab(1, TabType::Message), tab(2, TabType::Url), tab(3, TabType::Doc)];
        let order = |ids: &[i64]| is_order(&present, &ids.iter().copied().map(TabId).collect::<Vec<_>>());
        assert!(order(&[1, 2, 3]) && order(&[1, 3, 2]));
        for wrong in [&[][..], &[1, 2], &[2, 1, 3], &[1, 2, 2], &[1, 2, 3, 3], &[1, 2, 3, 4]] {
            assert!(!order(wrong), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC*") {
            let _ = name_fits(&text);
        }

        #[test]
        fn twenty_is_the_last(present in 0usize..=25, more in 0usize..=25) {
            prop_assert_eq!(count_fits(present, more).is_ok(), present + more <= 20);
        }
    }
}
