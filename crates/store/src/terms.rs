//! What names are found by: their folded text from the start of each word on, so that a prefix of a term is a prefix
//! of a word. Scripts without blanks between words have a start at every character.

use std::collections::BTreeSet;

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{ChatMode, ChatStatus, ChatType};

use crate::Tx;
use crate::chats::Chat;
use crate::driver::StoreError;
use crate::users::fold;

/// The most characters of a term; longer ones are cut, in names and in queries alike.
pub const LENGTH_MAX: usize = 64;
/// The most terms of a chat or a user: a bound on what a very long name costs.
const COUNT_MAX: usize = 256;

/// Text as terms hold it: folded, each run of blanks as one, cut to [`LENGTH_MAX`] characters.
pub fn normal(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    fold(&words.join(" ")).chars().take(LENGTH_MAX).collect()
}

/// Text as a query for terms: it begins where a word begins. Empty if nothing can be found by it.
pub fn sought(text: &str) -> String {
    normal(text.trim_start_matches(|c| !is_word(c)))
}

/// The terms of some names.
pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for name in names {
        let mut previous = ' ';
        for (at, c) in name.char_indices() {
            let starts = is_word(c) && (!is_word(previous) || stands_alone(c) || stands_alone(previous));
            if starts && terms.len() < COUNT_MAX {
                // A blank run may hide behind the cut, so some more is taken than is kept.
                let rest: String = name[at..].chars().take(LENGTH_MAX * 4).collect();
                terms.insert(normal(&rest));
            }
            previous = c;
        }
    }
    terms
}

/// The range of terms that begin with a text, as a statement's two bounds.
pub(crate) fn range(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}{}", char::MAX))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Whether a character is a word by itself: ideographs, syllables of scripts without blanks, symbols.
fn stands_alone(c: char) -> bool {
    !c.is_ascii()
        && (!c.is_alphanumeric()
            || matches!(u32::from(c), 0x0e00..=0x0eff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff))
}

/// Whether the list of chats shows a chat. P2p chats are left out (source: the list page), dissolved ones too (assumed).
pub(crate) fn is_listed(chat: &Chat) -> bool {
    chat.mode != ChatMode::P2p && chat.status != ChatStatus::Dissolved
}

/// Where the lists of its members show a chat: 1 among groups, 2 among chats of two parties, 0 nowhere.
pub(crate) fn listed(chat: &Chat) -> i64 {
    match (chat.status, chat.mode) {
        (ChatStatus::Dissolved, _) => 0,
        (_, ChatMode::P2p) => 2,
        (_, ChatMode::Group | ChatMode::Topic) => 1,
    }
}

/// Whether everybody in the tenant finds a chat.
fn is_open(chat: &Chat) -> bool {
    is_listed(chat) && chat.status == ChatStatus::Normal && chat.chat_type == ChatType::Public
}

fn of_chat(chat: &Chat) -> BTreeSet<String> {
    if !is_listed(chat) {
        return BTreeSet::new();
    }
    let names = &chat.i18n_names;
    let i18n = [&names.zh_cn, &names.en_us, &names.ja_jp].into_iter().flatten();
    of(std::iter::once(chat.name.as_str()).chain(i18n.map(String::as_str)))
}

/// Writes the terms of a new chat.
pub(crate) async fn add_chat(tx: &mut Tx, chat: &Chat, created_at: i64) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO chat_term (tenant, chat_id, term, is_open, created_at) VALUES ($1, $2, $3, $4, $5)";
    for term in of_chat(chat) {
        let params = [chat.chat_id.into(), term.into(), is_open(chat).into(), created_at.into()];
        tx.rows(sql, params).await?;
    }
    Ok(())
}

/// Writes the terms of a chat anew, if a change touches them.
pub(crate) async fn change_chat(tx: &mut Tx, old: &Chat, new: &Chat) -> Result<(), StoreError> {
    if of_chat(old) == of_chat(new) && is_open(old) == is_open(new) {
        return Ok(());
    }
    tx.rows("DELETE FROM chat_term WHERE tenant = $1 AND chat_id = $2", [new.chat_id.into()]).await?;
    let created_at = created_at(tx, new.chat_id).await?;
    add_chat(tx, new, created_at).await
}

async fn created_at(tx: &mut Tx, chat: ChatId) -> Result<i64, StoreError> {
    let sql = "SELECT created_at FROM chat WHERE tenant = $1 AND chat_id = $2";
    tx.row(sql, [chat.into()]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Writes the terms of a user anew.
pub(crate) async fn set_user(tx: &mut Tx, user_id: &str, name: &str) -> Result<(), StoreError> {
    tx.rows("DELETE FROM user_term WHERE tenant = $1 AND user_id = $2", [user_id.into()]).await?;
    let sql = "INSERT INTO user_term (tenant, user_id, term) VALUES ($1, $2, $3)";
    for term in of([name]) {
        tx.rows(sql, [user_id.into(), term.into()]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(name: &str) -> Vec<String> {
        of([name]).into_iter().collect()
    }

    #[test]
    fn every_word_begins_a_term() {
        assert_eq!(terms("Big  Red-Ball"), ["ball", "big red-ball", "red-ball"]);
        assert_eq!(terms("项目A组"), ["a组", "目a组", "组", "项目a组"]);
        assert_eq!(terms("ÉTÉ 2026"), ["2026", "été 2026"]);
        assert_eq!(terms("🎉party"), ["party", "🎉party"]);
        assert_eq!(terms(" -- "), Vec::<String>::new());
    }

    #[test]
    fn queries_begin_at_a_word() {
        assert_eq!(sought("(Red  BALL"), "red ball");
        assert_eq!(sought("--"), "");
        assert_eq!(sought(&"x".repeat(200)).chars().count(), LENGTH_MAX);
    }

    #[test]
    fn a_long_name_has_a_bounded_cost() {
        let found = terms(&"群 ".repeat(5000));
        assert!(found.len() <= COUNT_MAX);
        assert!(found.iter().all(|term| term.chars().count() <= LENGTH_MAX));
    }
}
