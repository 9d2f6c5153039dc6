//! Rules that refusals name and that are no [`Behaviour`](crate::Behaviour) of one operation.

use crate::Basis::{self, Assumed, Documented, Observed};

/// The rules by name, sorted, each with what it rests on. A refusal names its rule with [`Fault::by_rule`](crate::Fault::by_rule).
pub const RULES: &[(&str, Basis)] = &[
    ("add_member_permission", Documented),
    ("administrators", Documented),
    ("announcement_locked", Assumed),
    ("announcement_type", Documented),
    ("app_status", Documented),
    ("app_visible", Assumed),
    ("appoint_managers", Documented),
    ("at_all_permission", Documented),
    ("bot_ability", Documented),
    ("chat_exists", Documented),
    ("chat_limits", Documented),
    ("chat_member", Documented),
    ("chat_mode", Documented),
    ("chat_settings", Documented),
    ("chat_status", Documented),
    ("chat_tenant", Documented),
    ("edit_permission", Documented),
    ("edition", Documented),
    ("external", Documented),
    ("fields_of_managers", Documented),
    ("forbidden_words", Documented),
    ("message_age", Documented),
    ("message_sender", Documented),
    ("moderation_permission", Documented),
    ("monthly_quota", Assumed),
    ("only_groups", Documented),
    ("owner_or_creator", Documented),
    ("pin_manage_setting", Documented),
    ("public_groups_can_be_joined", Documented),
    ("rate_limit", Documented),
    ("refresh_token", Documented),
    ("remove_members", Documented),
    ("restricted_mode", Documented),
    ("scopes", Documented),
    ("share_card_permission", Documented),
    ("token", Documented),
    ("token_kind", Documented),
    ("token_life", Documented),
    ("token_revoked", Observed),
    ("urgent_setting", Documented),
    ("user_status", Documented),
];

/// What a rule rests on; `None` if it is not one of [`RULES`].
pub fn basis(rule: &str) -> Option<Basis> {
    let at = RULES.binary_search_by_key(&rule, |(name, _)| name).ok()?;
    RULES.get(at).map(|(_, basis)| *basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found() {
        assert!(RULES.is_sorted_by(|one, other| one.0 < other.0));
        assert_eq!(basis("app_visible"), Some(Assumed));
        assert_eq!(basis("CHAT_DISSOLVED"), None);
    }
}
