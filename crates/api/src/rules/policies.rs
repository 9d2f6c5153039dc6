//! Limits of a tenant's edition and of its administrators' policy.

use larkspur_contract::model::{ChatType, I18nNames, Permission, RestrictedMode};
use larkspur_contract::{Fault, Fix, codes};
use larkspur_store::policies::Policy;
use serde_json::{Map, Value};

/// The most forbidden words of a tenant.
pub const WORDS_MAX: usize = 1000;
/// The most characters of a forbidden word.
pub const WORD_MAX: usize = 100;

/// Enabling restricted mode is 232057 if the edition does not have it. Source: the create and update pages.
pub fn may_restrict(policy: &Policy, asked: Option<&RestrictedMode>) -> Result<(), Fault> {
    if policy.restricted_mode || asked.is_none_or(|mode| !mode.status) {
        return Ok(());
    }
    Err(Fault::new(codes::RESTRICTED_MODE_NOT_ALLOWED, "the world's edition has no restricted mode")
        .by_rule("edition")
        .with_fact("restricted_mode", "false")
        .with_fix(with(policy, "restricted_mode")))
}

/// Hiding the number of members is 232078 if the edition does not have it. Source: the create and update pages.
pub fn may_hide_count(policy: &Policy, asked: Option<Permission>) -> Result<(), Fault> {
    if policy.hide_member_count || asked != Some(Permission::OnlyOwner) {
        return Ok(());
    }
    Err(Fault::new(codes::HIDE_COUNT_NOT_ALLOWED, "the world's edition has no hide_member_count_setting")
        .by_rule("edition")
        .with_fact("hide_member_count", "false")
        .with_fix(with(policy, "hide_member_count")))
}

/// Making a chat public while the administrators forbid it is 232091. Source: the create and update pages.
pub fn may_publish(policy: &Policy, old: ChatType, new: ChatType) -> Result<(), Fault> {
    if policy.public_groups || new != ChatType::Public || old == ChatType::Public {
        return Ok(());
    }
    Err(Fault::new(codes::PUBLIC_NOT_ALLOWED, "the world's administrators do not allow public groups")
        .by_rule("administrators")
        .with_fact("public_groups", "false")
        .with_fix(with(policy, "public_groups")))
}

/// Sets the settings of the world as they are, but for a switch, which is turned on.
fn with(policy: &Policy, switch: &str) -> Fix {
    let mut body = settings(policy);
    body.insert(switch.to_owned(), true.into());
    Fix::new("larkspur.v1.world.settings.put", Vec::new(), body.into())
}

/// Sets the settings of the world as they are, but for one that is no longer set.
pub fn without(policy: &Policy, setting: &str) -> Fix {
    let mut body = settings(policy);
    body.remove(setting);
    Fix::new("larkspur.v1.world.settings.put", Vec::new(), body.into())
}

/// The settings of the world as the control API takes them: it names them as the policy does, and has the overrides beside them.
fn settings(policy: &Policy) -> Map<String, Value> {
    let Ok(Value::Object(mut body)) = serde_json::to_value(policy) else { return Map::new() };
    if let Some(Value::Object(overrides)) = body.remove("overrides") {
        body.extend(overrides.into_iter().filter(|(_, value)| !value.is_null()));
    }
    body
}

/// A name or description with a forbidden word, in any case, is 232023. Source: the create and update pages.
pub fn passes_review(
    policy: &Policy,
    name: Option<&str>,
    description: Option<&str>,
    names: Option<&I18nNames>,
) -> Result<(), Fault> {
    if policy.forbidden_words.is_empty() {
        return Ok(());
    }
    let by_language = names.map(|names| [&names.zh_cn, &names.en_us, &names.ja_jp]).into_iter().flatten();
    let by_language = by_language.flatten().map(|name| ("i18n_names", name.as_str()));
    let texts = name.map(|text| ("name", text)).into_iter();
    let texts = texts.chain(description.map(|text| ("description", text))).chain(by_language);
    for (field, text) in texts {
        let folded = text.to_lowercase();
        if let Some(word) = policy.forbidden_words.iter().find(|word| folded.contains(&word.to_lowercase())) {
            return Err(Fault::new(
                codes::REVIEW_FAILED,
                format!("{field} contains the forbidden word {word:?}"),
            )
            .with_violation(field, Some(text), "did not pass the review"));
        }
    }
    Ok(())
}

/// Whether this many bytes of images and files fit into the tenant's quota; otherwise 234042. Source: the pages of images and files.
pub fn storage_fits(policy: &Policy, bytes: i64) -> Result<(), Fault> {
    match policy.storage_bytes {
        Some(most) if bytes > most => Err(Fault::new(
            codes::STORAGE_FULL,
            format!("images and files of {bytes} bytes, of at most {most}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larkspur_contract::Code;

    /// Every fix is the whole of the settings, with one more switch on.
    #[test]
    fn a_fix_changes_one_switch() {
        let fault = may_publish(&strict(), ChatType::Private, ChatType::Public).expect_err("not allowed");
        let mut wanted = serde_json::to_value(strict()).expect("JSON");
        wanted["public_groups"] = true.into();
        assert_eq!(fault.fixes()[0].body, wanted);
    }

    fn strict() -> Policy {
        Policy {
            restricted_mode: false,
            hide_member_count: false,
            public_groups: false,
            forbidden_words: vec!["Geheim".to_owned(), "密".to_owned()],
            storage_bytes: Some(10),
            edit_ms: 0,
            old_announcements: false,
            recall_seconds: None,
            message_edit_seconds: None,
            ..Policy::default()
        }
    }

    fn code(result: Result<(), Fault>) -> Option<Code> {
        result.err().map(|fault| fault.code())
    }

    #[test]
    fn by_default_everything_is_allowed() {
        let policy = Policy::default();
        let on = RestrictedMode { status: true, ..RestrictedMode::default() };
        assert_eq!(code(may_restrict(&policy, Some(&on))), None);
        assert_eq!(code(may_hide_count(&policy, Some(Permission::OnlyOwner))), None);
        assert_eq!(code(may_publish(&policy, ChatType::Private, ChatType::Public)), None);
        assert_eq!(code(passes_review(&policy, Some("geheim"), Some("x"), None)), None);
        assert_eq!(code(storage_fits(&policy, i64::MAX)), None);
    }

    #[test]
    fn only_requested_settings_are_checked() {
        let policy = strict();
        let off = RestrictedMode::default();
        let on = RestrictedMode { status: true, ..off.clone() };
        assert_eq!(code(may_restrict(&policy, None)), None);
        assert_eq!(code(may_restrict(&policy, Some(&off))), None);
        assert_eq!(code(may_restrict(&policy, Some(&on))), Some(codes::RESTRICTED_MODE_NOT_ALLOWED));
        assert_eq!(code(may_hide_count(&policy, Some(Permission::AllMembers))), None);
        assert_eq!(
            code(may_hide_count(&policy, Some(Permission::OnlyOwner))),
            Some(codes::HIDE_COUNT_NOT_ALLOWED)
        );
        assert_eq!(code(may_publish(&policy, ChatType::Public, ChatType::Public)), None);
        assert_eq!(code(may_publish(&policy, ChatType::Public, ChatType::Private)), None);
        assert_eq!(
            code(may_publish(&policy, ChatType::Private, ChatType::Public)),
            Some(codes::PUBLIC_NOT_ALLOWED)
        );
        assert_eq!(code(storage_fits(&policy, 10)), None);
        assert_eq!(code(storage_fits(&policy, 11)), Some(codes::STORAGE_FULL));
    }

    #[test]
    fn words_are_found_in_every_text_and_case() {
        let policy = strict();
        let names = I18nNames { ja_jp: Some("秘密".to_owned()), ..I18nNames::default() };
        let refused = Some(codes::REVIEW_FAILED);
        assert_eq!(code(passes_review(&policy, Some("Streng GEHEIM"), None, None)), refused);
        assert_eq!(code(passes_review(&policy, None, Some("ungeheim"), None)), refused);
        assert_eq!(code(passes_review(&policy, None, None, Some(&names))), refused);
        assert_eq!(code(passes_review(&policy, Some("offen"), Some(""), Some(&I18nNames::default()))), None);
    }
}
