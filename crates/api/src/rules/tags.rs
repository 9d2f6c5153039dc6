//! Rules for names of tags, and which app may use a tag.

use larkspur_contract::model::TagI18nName;
use larkspur_contract::{Fault, codes};
use larkspur_store::tags::Tag;

use crate::{Call, TagOwner};

/// The most characters of a name: a protective bound. Assumed: the pages give none.
pub const NAME_MAX: u32 = 255;

/// Whether the calling app may use this tag.
pub fn is_known_to(call: &Call, tag: &Tag) -> bool {
    call.settings.tag_owner == TagOwner::Tenant || tag.app_id == call.app_id()
}

/// One name per language; languages are compared ignoring case and the difference between `-` and `_`. Assumed. `list`
/// is the field of the names.
pub fn distinct_locales(names: &[TagI18nName], list: &str) -> Result<(), Fault> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|earlier| same_locale(&earlier.locale, &name.locale)) {
            return Err(Fault::new(codes::TAG_PARAM_INVALID, "a locale is repeated").with_violation(
                &format!("{list}[*].locale"),
                Some(&name.locale),
                "must not repeat",
            ));
        }
    }
    Ok(())
}

fn same_locale(one: &str, two: &str) -> bool {
    let fold = |text: &str| text.replace('-', "_").to_lowercase();
    fold(one) == fold(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(locales: &[&str]) -> Vec<TagI18nName> {
        locales.iter().map(|locale| TagI18nName { locale: (*locale).to_owned(), name: None }).collect()
    }

    #[test]
    fn a_language_in_another_spelling_is_a_duplicate() {
        assert!(distinct_locales(&names(&["zh_cn", "en_us", "ja_jp"]), "i18n_names").is_ok());
        for twice in [["zh_cn", "zh_cn"], ["zh_cn", "zh-CN"], ["EN_us", "en-US"]] {
            assert_eq!(
                distinct_locales(&names(&twice), "i18n_names").expect_err("twice").code(),
                codes::TAG_PARAM_INVALID
            );
        }
    }
}
