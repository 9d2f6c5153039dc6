//! Share links of chats.

use larkspur_contract::model::{ChatMode, SharePermission};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::Chat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use serde_json::json;

use crate::standing::{Standing, set_chat};

/// The start of every link; a token follows.
pub const ADDRESS: &str = "https://applink.feishu.cn/client/chat/chatter/add_by_link?link_token=";

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How long a link is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// Seven days.
    #[default]
    Week,
    /// 365 days.
    Year,
    /// Forever.
    Permanently,
}

impl Validity {
    /// When a link that is created now expires, in milliseconds since 1970; `None` for never.
    pub fn end(self, now_ms: i64) -> Option<i64> {
        match self {
            Validity::Week => Some(now_ms.saturating_add(7 * DAY_MS)),
            Validity::Year => Some(now_ms.saturating_add(365 * DAY_MS)),
            Validity::Permanently => None,
        }
    }
}

/// The token of a link: 128 bits in groups.
pub fn token(random: u128) -> String {
    let hex = format!("{random:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The token in a link.
pub fn token_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("link_token=")?;
    rest.split(['&', '#']).next().filter(|token| !token.is_empty())
}

/// Whether a member may share a chat. Source: the link page.
///
/// # Errors
/// 232061 to 232063 for chats that cannot be shared, 232064 for an ordinary member if only owner and managers may
/// share.
pub fn may_share(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    let refused = match (chat.mode, chat.tag.as_str()) {
        (ChatMode::P2p, _) => Some(codes::LINK_P2P_CHAT),
        (_, "secret") => Some(codes::LINK_SECRET_CHAT),
        (_, "team") => Some(codes::LINK_TEAM),
        _ => None,
    };
    if let Some(code) = refused {
        return Err(Fault::new(code, "chats of this kind are not shared"));
    }
    if chat.settings.share_card_permission == SharePermission::NotAllowed && !standing.manages() {
        let settings = json!({"add_member_permission": "all_members", "share_card_permission": "allowed"});
        return Err(Fault::new(codes::SHARE_NOT_ALLOWED, "share_card_permission is not_allowed")
            .by_rule("share_card_permission")
            .with_fact("share_card_permission", "not_allowed")
            .with_fact("standing", standing.role.name())
            .with_fix(set_chat(chat, json!({"settings": settings}))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_expires_or_is_permanent() {
        assert_eq!(Validity::Week.end(1), Some(604_800_001));
        assert_eq!(Validity::Year.end(0), Some(31_536_000_000));
        assert_eq!(Validity::Permanently.end(0), None);
    }

    proptest! {
        #[test]
        fn a_token_is_read_out_of_its_link(random: u128) {
            let token = token(random);
            let address = format!("{ADDRESS}{token}&qr_code=true");
            prop_assert_eq!(token_of(&address), Some(token.as_str()));
        }

        #[test]
        fn any_address_is_read_without_panic(text in "\\PC*") {
            prop_assert!(token_of(&text).is_none_or(|token| !token.is_empty()));
        }
    }
}
