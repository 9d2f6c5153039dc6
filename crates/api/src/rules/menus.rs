//! Rules for menu items, their positions and their changes.

use larkspur_contract::ids::MenuId;
use larkspur_contract::model::{ChatMode, MenuAction, MenuField, RedirectLink};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::chats::Chat;
use larkspur_store::menus::Item;

use super::widgets::is_address;

/// The most top-level items of a chat's menu. Source: the create page.
pub const TOP_MAX: usize = 3;
/// The most children of a top-level item. Source: the create page.
pub const CHILDREN_MAX: usize = 5;
/// The most characters (Unicode scalar values) of a name, in any language; the fewest are 1. Source: the create page.
pub const NAME_MAX: usize = 120;

/// Whether a chat's mode has a menu: only groups do. Pages differ in the code for the others.
pub fn mode_has_menus(chat: &Chat, unsupported: Code) -> Result<(), Fault> {
    match chat.mode {
        ChatMode::Group => Ok(()),
        other => Err(Fault::new(unsupported, format!("a {} chat has no menu", other.as_str()))
            .by_rule("chat_mode")
            .with_fact("chat_mode", other.as_str())),
    }
}

/// Whether `more` items can be added at the top level.
pub fn tops_fit(present: usize, more: usize) -> Result<(), Fault> {
    if present + more > TOP_MAX {
        return Err(Fault::new(codes::MENU_TOP_LIMIT, format!("{present} top items and {more} more"))
            .with_fact("top_items", present.to_string())
            .with_fact("limit", TOP_MAX.to_string()));
    }
    Ok(())
}

/// Whether an item can have this many children.
pub fn children_fit(count: usize) -> Result<(), Fault> {
    if count > CHILDREN_MAX {
        return Err(Fault::new(codes::MENU_SECOND_LIMIT, format!("{count} children of one item"))
            .with_fact("children", count.to_string())
            .with_fact("limit", CHILDREN_MAX.to_string()));
    }
    Ok(())
}

/// Whether a name in a change has 1 to [`NAME_MAX`] characters (232001), as the schema requires of new items.
pub fn name_fits(field: &str, name: &str) -> Result<(), Fault> {
    let asked = match name.chars().count() {
        0 => "the min len is 1".to_owned(),
        1..=NAME_MAX => return Ok(()),
        _ => format!("the max len is {NAME_MAX}"),
    };
    Err(Fault::new(codes::PARAM_INVALID, "a name has 1 to 120 characters")
        .with_violation(field, None, &asked))
}

/// Whether an item has a name, which a change cannot clear: 232078.
pub fn is_named(item: &Item) -> Result<(), Fault> {
    if item.name.is_empty() {
        return Err(Fault::new(codes::MENU_ILLEGAL, "the change has NAME in update_fields and no name"));
    }
    Ok(())
}

/// Whether an item is valid, with or without children: 232078. Source: the create page, whose sample has a link
/// and an icon on an item of type NONE with children.
///
/// The caller must also check that the icon is the app's own.
pub fn is_legal(item: &Item, has_children: bool) -> Result<(), Fault> {
    let illegal = |why: &'static str| Err(Fault::new(codes::MENU_ILLEGAL, why));
    if let Some(names) = &item.i18n_names {
        let names = [&names.zh_cn, &names.en_us, &names.ja_jp].into_iter().flatten();
        if names.map(|name| name.chars().count()).any(|length| !(1..=NAME_MAX).contains(&length)) {
            return illegal("a name in a language has 1 to 120 characters");
        }
    }
    if has_children && item.action != MenuAction::None {
        return illegal("an item with children needs action_type NONE");
    }
    match (item.action, &item.link) {
        (MenuAction::RedirectLink, Some(link)) if !leads_everywhere(link) => {
            illegal("a platform has neither its own URL nor common_url")
        }
        (MenuAction::RedirectLink, None) => illegal("an item of type REDIRECT_LINK needs a redirect_link"),
        (_, Some(link)) if !has_addresses(link) => illegal("a URL is not an http or https URL"),
        (_, Some(_)) | (MenuAction::None, None) => Ok(()),
    }
}

fn own(link: &RedirectLink) -> [&Option<String>; 4] {
    [&link.ios_url, &link.android_url, &link.pc_url, &link.web_url]
}

/// Whether every platform has its own URL or the common one.
fn leads_everywhere(link: &RedirectLink) -> bool {
    link.common_url.is_some() || own(link).iter().all(|url| url.is_some())
}

/// Whether every URL is valid.
fn has_addresses(link: &RedirectLink) -> bool {
    own(link).into_iter().chain([&link.common_url]).flatten().all(|url| is_address(url))
}

/// Applies a change: the named parts are replaced by those of `new`. The action never changes.
pub fn changed(present: &Item, fields: &[MenuField], new: &Item) -> Item {
    let mut item = present.clone();
    for field in fields {
        match field {
            MenuField::Icon => item.image_key.clone_from(&new.image_key),
            MenuField::Name => item.name.clone_from(&new.name),
            MenuField::I18nName => item.i18n_names.clone_from(&new.i18n_names),
            MenuField::RedirectLink => item.link.clone_from(&new.link),
        }
    }
    item
}

/// Whether a list of ids is an order of these: each of them once, and no other.
pub fn is_order(present: &[MenuId], asked: &[MenuId]) -> bool {
    let sorted = |ids: &[MenuId]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    sorted(present) == sorted(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use larkspur_contract::model::I18nNames;
    use proptest::prelude::*;

    fn url(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn plain() -> Item {
        Item {
            action: MenuAction::None,
            name: "menu".to_owned(),
            i18n_names: None,
            link: None,
            image_key: String::new(),
        }
    }

    fn link(link: RedirectLink) -> Item {
        Item { action: MenuAction::RedirectLink, link: Some(link), ..plain() }
    }

    fn common(text: &str) -> RedirectLink {
        RedirectLink { common_url: url(text), ..RedirectLink::default() }
    }

    #[test]
    fn legal_items() {
        let own = RedirectLink {
            common_url: None,
            ios_url: url("https://i.example"),
            android_url: url("http://a.example"),
            pc_url: url("https://p.example"),
            web_url: url("https://w.example"),
        };
        for item in [
            plain(),
            link(common("https://example.com")),
            link(RedirectLink { ios_url: url("http://i.example"), ..common("HTTP://example.com") }),
            link(own),
            Item { name: "名".repeat(120), image_key: "img".to_owned(), ..plain() },
        ] {
            assert!(is_legal(&item, false).is_ok(), "{item:?}");
        }
        assert!(is_legal(&plain(), true).is_ok());
        // As in the sample of the create page.
        let parent = Item { image_key: "img".to_owned(), link: Some(common("https://a.example")), ..plain() };
        assert!(is_legal(&parent, true).is_ok() && is_legal(&parent, false).is_ok());
        let half = RedirectLink { ios_url: url("https://i.example"), ..RedirectLink::default() };
        assert!(is_legal(&Item { link: Some(half), name: String::new(), ..plain() }, false).is_ok());
    }

    #[test]
    fn illegal_items() {
        let half = RedirectLink { ios_url: url("https://i.example"), ..RedirectLink::default() };
        let names = |name: &str| Some(I18nNames { ja_jp: url(name), ..I18nNames::default() });
        for item in [
            Item { action: MenuAction::RedirectLink, ..plain() },
            Item { action: MenuAction::None, ..link(common("example.com")) },
            link(RedirectLink::default()),
            link(half),
            link(common("ftp://example.com")),
            link(RedirectLink { web_url: url("example.com"), ..common("https://example.com") }),
            Item { i18n_names: names(""), ..plain() },
            Item { i18n_names: names(&"名".repeat(121)), ..plain() },
        ] {
            assert_eq!(is_legal(&item, false).expect_err("illegal").code(), codes::MENU_ILLEGAL, "{item:?}");
        }
        let parent = link(common("https://example.com"));
        assert!(is_legal(&parent, false).is_ok() && is_legal(&parent, true).is_err(), "{parent:?}");
        for (name, field_is_good) in
            [("", false), ("m", true), (&"名".repeat(120), true), (&"名".repeat(121), false)]
        {
            assert_eq!(name_fits("name", name).is_ok(), field_is_good, "{name}");
        }
        assert!(is_named(&plain()).is_ok() && is_named(&Item { name: String::new(), ..plain() }).is_err());
    }

    #[test]
    fn only_named_parts_change() {
        let (old, new) = (
            Item { image_key: "old".to_owned(), ..link(common("https://old.example")) },
            Item {
                action: MenuAction::None,
                name: "new".to_owned(),
                i18n_names: Some(I18nNames { en_us: url("new"), ..I18nNames::default() }),
                link: Some(common("https://new.example")),
                image_key: "new".to_owned(),
            },
        );
        assert_eq!(changed(&old, &[], &new), old);
        let one = changed(&old, &[MenuField::Name], &new);
        assert_eq!(one, Item { name: "new".to_owned(), ..old.clone() });
        let all = [MenuField::Icon, MenuField::Name, MenuField::I18nName, MenuField::RedirectLink];
        assert_eq!(changed(&old, &all, &new), Item { action: MenuAction::RedirectLink, ..new });
    }

    proptest! {
        #[test]
        fn three_is_the_last(present in 0usize..=5, more in 0usize..=5) {
            prop_assert_eq!(tops_fit(present, more).is_ok(), present + more <= 3);
            prop_assert_eq!(children_fit(more).is_ok(), more <= 5);
        }

        #[test]
        fn an_order_is_a_permutation(ids in proptest::collection::vec(1i64..9, 0..4), other in proptest::collection::vec(1i64..9, 0..4)) {
            let menus = |ids: &[i64]| ids.iter().copied().map(MenuId).collect::<Vec<_>>();
            let mut turned = ids.clone();
            turned.reverse();
            prop_assert!(is_order(&menus(&ids), &menus(&turned)));
            let count = |list: &[i64], id: i64| list.iter().filter(|one| **one == id).count();
            let same = (1..9).all(|id| count(&ids, id) == count(&other, id));
            prop_assert_eq!(is_order(&menus(&ids), &menus(&other)), same);
        }
    }
}
