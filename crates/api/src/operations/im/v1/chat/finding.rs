//! Finds chats by words: the candidates of both searches.

use std::collections::HashSet;

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Behaviour, Fault};
use larkspur_store::chat_search::{ChatSearch, Stretch};
use larkspur_store::listing::{self, Cursor};
use larkspur_store::{Tx, text};

use crate::Call;

/// The number of candidates that a page first checks: most pages need no more.
const LOOKS: usize = 64;
/// The most candidates that are checked at a time: one more than there can be.
const LOOKS_MAX: usize = 5001;

/// The chats that the operator sees and that match every word by their names or, with `people`, by the names of
/// other members. Each once, oldest first, after a cursor: at least `wanted` of them if there are that many.
pub(crate) async fn candidates(
    tx: &mut Tx,
    call: &Call,
    words: &[String],
    people: bool,
    (last, wanted): (Option<Cursor>, usize),
) -> Result<Vec<Cursor>, Fault> {
    let me = call.operator();
    let search = ChatSearch::new(tx, &me, words).await?;
    let mut theirs = Vec::with_capacity(words.len());
    for word in words.iter().filter(|_| people) {
        theirs.push((word.as_str(), listing::by_people(tx, &me, word).await?));
    }
    let (mut kept, mut from, mut looks) = (Vec::new(), last, wanted.clamp(LOOKS, LOOKS_MAX));
    loop {
        let Stretch { mut found, until } = search.behind(tx, from, looks).await?;
        found.extend(with_people(tx, &theirs, (from, until)).await?);
        found.sort_unstable();
        found.dedup();
        kept.extend(found);
        if until.is_none() || kept.len() >= wanted {
            return Ok(kept);
        }
        (from, looks) = (until, (looks * 4).min(LOOKS_MAX));
    }
}

/// The chats in a range that match every word by the names of members or by their own, and at least one word by the
/// names of members. `theirs` has the words, each with the chats that match it by the names of members.
async fn with_people(
    tx: &mut Tx,
    theirs: &[(&str, Vec<Cursor>)],
    (from, until): (Option<Cursor>, Option<Cursor>),
) -> Result<Vec<Cursor>, Fault> {
    let is_inside = |cursor: &Cursor| {
        from.is_none_or(|from| *cursor > from) && until.is_none_or(|until| *cursor <= until)
    };
    let mut found: Vec<Cursor> =
        theirs.iter().flat_map(|(_, chats)| chats).copied().filter(is_inside).collect();
    found.sort_unstable();
    found.dedup();
    for (word, chats) in theirs {
        let by_people: HashSet<ChatId> = chats.iter().map(|cursor| cursor.chat_id).collect();
        let others = found.iter().map(|cursor| cursor.chat_id).filter(|id| !by_people.contains(id));
        let by_name = listing::named(tx, &others.collect::<Vec<_>>(), word).await?;
        found.retain(|cursor| by_people.contains(&cursor.chat_id) || by_name.contains(&cursor.chat_id));
    }
    Ok(found)
}

/// Up to `size` cursors after one, and whether there are more.
pub(crate) fn page_of(found: &[Cursor], last: Option<Cursor>, size: usize) -> (&[Cursor], bool) {
    let begin = last.map_or(0, |last| found.partition_point(|cursor| *cursor <= last));
    let rest = &found[begin..];
    (&rest[..rest.len().min(size)], rest.len() > size)
}

pub(crate) const VISIBLE: Behaviour = Behaviour {
    name: "search_visible",
    rule: "The search covers public chats in use, including external ones, and the groups and topic chats that the operator is in. Member names find only joined chats.",
    basis: Documented,
    switch: false,
};
pub(crate) const MATCHING: Behaviour = Behaviour {
    name: "search_matching",
    rule: "Every word must be a prefix of a word in one of the chat's names, in any language, or in a member's name. Case is ignored; in scripts without spaces every character starts a word. Spaces and hyphens separate words, except inside double quotes. Of more than eight words, only the eight longest are used.",
    basis: Assumed,
    switch: false,
};
pub(crate) const BOUNDED: Behaviour = Behaviour {
    name: "search_bounded",
    rule: "A word that is in the names of at least 1000 public chats, or of more than 500 others, is searched for in 1000 public chats, in the operator's 1000 most active chats, and in 5000 others with that word. A rarer word is searched for everywhere. A member name is searched for in 5000 chats of the first 50 people who have it.",
    basis: Assumed,
    switch: false,
};
pub(crate) const PINYIN: &str =
    "Search by pinyin is not supported: names are found only by the characters in them.";

/// The longest searchable text must hold the longest query.
const _: () = assert!(text::LENGTH_MAX >= crate::rules::search::QUERY_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_consecutive() {
        let cursor = |time| Cursor { time, chat_id: ChatId(7) };
        let found = [cursor(1), cursor(2), cursor(3)];
        assert_eq!(page_of(&found, None, 2), (&found[..2], true));
        assert_eq!(page_of(&found, Some(cursor(2)), 2), (&found[2..], false));
        assert_eq!(page_of(&found, Some(cursor(9)), 2), (&found[3..], false));
        assert_eq!(page_of(&[], None, 2), (&found[..0], false));
    }
}
