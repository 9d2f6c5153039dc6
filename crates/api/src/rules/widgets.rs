//! Rules shared by tabs and menus: who may manage them, and what they may open.

use larkspur_contract::model::{ChatMode, Permission};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::Chat;

use serde_json::json;

use crate::standing::{Standing, set_chat};

/// Whether the operator may manage tabs, widgets and menus: all members, or only owner and managers if the chat says
/// so.
///
/// Only clients change the setting; it does not apply to p2p chats. The creator bot with the scope to
/// act as owner has no additional right (assumed: the pages do not mention it here).
pub fn may_manage(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    if chat.mode == ChatMode::P2p || chat.manage_widgets == Permission::AllMembers || standing.manages() {
        return Ok(());
    }
    Err(Fault::new(
        codes::NO_WIDGET_PERMISSION,
        "only owner and managers manage tabs, widgets and menus in this chat",
    )
    .by_rule("manage_widgets")
    .with_fact("manage_widgets", "only_owner")
    .with_fact("standing", standing.role.name())
    .with_fix(set_chat(chat, json!({"manage_widgets": "all_members"}))))
}

/// Whether the operator may change the top notice, which needs the right to manage tabs and widgets (232014).
pub fn may_notice(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    may_manage(chat, standing).map_err(|refused| {
        let why = "only owner and managers change the top notice of this chat";
        Fault::new(codes::TOKEN_LACKS_PERMISSION, why).explained_as(&refused)
    })
}

/// Whether a text is a URL: `http://` or `https://` in any case, and a host.
pub fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        text.get(..scheme.len())
            .filter(|head| head.eq_ignore_ascii_case(scheme))
            .map(|_| &text[scheme.len()..])
    });
    rest.is_some_and(|rest| rest.split(['/', '?', '#']).next().is_some_and(|host| !host.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        }
    }
}
