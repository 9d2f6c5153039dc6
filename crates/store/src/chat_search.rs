//! Chats whose names match words, as far as a page needs them.

use std::collections::HashSet;

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::listing::{Cursor, cursor, cursors, joined, limit, named};
use crate::member::Member;
use crate::{Row, Tx, Value, text};

/// The most public chats that a word matches.
const OPEN_MAX: usize = 1000;
/// The most other chats with a word that are checked one by one.
const CLOSED_MAX: usize = 500;
/// A word in fewer rows than this is rare: all of its chats are read.
const RARE: i64 = 1000;
/// At most this many common words are checked for whether all of their rows can be read.
const ASKED: usize = 2;

const OPEN: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 1 AND term >= $2 AND term < $3 \
                    ORDER BY term, chat_id LIMIT 1000";
/// Chats with the word that are not public: one more than are checked one by one.
const CLOSED: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 0 AND term >= $2 AND term < $3 \
                      ORDER BY term, chat_id LIMIT 501";

/// The rows of a word, up to [`RARE`].
const COUNT: &str = "SELECT COUNT(*) FROM (SELECT term FROM chat_term WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 \
                     ORDER BY term, chat_id LIMIT 1000) o";
/// Whether a word has more rows than [`MORE_WITH`] reads.
const BEYOND: &str = "SELECT term FROM chat_term WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 \
                      ORDER BY term, chat_id LIMIT 1 OFFSET 5000";

/// From the first rows of one word: the oldest chats after a cursor that also have another word, and whether this was
/// known from the row alone. For more words, [`LIKE`] is repeated.
const FIRST_WITH: &str = "SELECT created_at, chat_id, CASE WHEN words = '' THEN 0 ELSE 1 END FROM (SELECT created_at, chat_id, words FROM chat_term \
                          WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 1000) o \
                          WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) \
                          AND (words = '' OR (words LIKE $8 ESCAPE '\\')) ORDER BY created_at, chat_id LIMIT $7";
const MORE_WITH: &str = "SELECT created_at, chat_id, CASE WHEN words = '' THEN 0 ELSE 1 END FROM (SELECT created_at, chat_id, words FROM chat_term \
                         WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 5000) o \
                         WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) \
                         AND (words = '' OR (words LIKE $8 ESCAPE '\\')) ORDER BY created_at, chat_id LIMIT $7";
const LIKE: &str = "words LIKE $8 ESCAPE '\\'";

/// From the caller's most recently active chats: the oldest ones after a cursor, and whether they have the word.
///
/// Ids are random, so each look-up reads another page of the index: keep them few. For an EXISTS, PostgreSQL may read
/// all candidates instead; a count is evaluated row by row.
const MINE: &str = "SELECT m.chat_created_at, m.chat_id, \
                    (SELECT COUNT(*) FROM chat_term t WHERE t.tenant = $1 AND t.chat_id = m.chat_id AND t.term >= $3 AND t.term < $4) \
                    FROM (SELECT chat_created_at, chat_id FROM (SELECT chat_created_at, chat_id FROM chat_member \
                    WHERE tenant = $1 AND member = $2 AND listed = 1 ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1000) o \
                    WHERE (chat_created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) ORDER BY chat_created_at, chat_id LIMIT $7) m";
/// The same from the other end, for a caller in more chats: chats with the word, and whether the caller is in them.
const THEIRS: &str = "SELECT t.created_at, t.chat_id, \
                      (SELECT COUNT(*) FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = t.chat_id AND m.member = $2) \
                      FROM (SELECT created_at, chat_id FROM (SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 0 \
                      AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 5000) o \
                      WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) ORDER BY created_at, chat_id LIMIT $7) t";

/// Whether a member is in more than a hundred chats, and in more than a thousand.
const HUNDRED: &str = "SELECT chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = 1 \
                       ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1 OFFSET 100";
const THOUSAND: &str = "SELECT chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = 1 \
                        ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1 OFFSET 1000";
/// All chats of a member who is in at most a thousand.
const ALL_MINE: &str = "SELECT chat_created_at, chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = 1 \
                        ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1000";

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] =
    &[OPEN, CLOSED, COUNT, BEYOND, FIRST_WITH, MORE_WITH, MINE, THEIRS, HUNDRED, THOUSAND, ALL_MINE];

/// A search for the chats that a member sees and whose own names match all of some words.
///
/// Exact if a word is rare. Otherwise bounded, however many chats there are: it covers 1000 public chats with one of
/// the words, the member's 1000 most active chats and, for a member of more, 5000 others with the word.
///
/// For one word, the caller's chats are searched. Several words are intersected: the rows of the rarest are read from
/// an index that has all words of each chat, so that a chat without the others costs no look-up of its own rows.
#[derive(Debug)]
pub struct ChatSearch {
    member: Member,
    /// The first is searched for; the others are checked in its results.
    words: Vec<String>,
    /// Matches that are already known.
    known: Vec<Cursor>,
    /// The statements that find more; empty if all matches are known.
    looks: Vec<Look>,
    /// All chats that the caller is in, if they were read.
    mine: Option<HashSet<ChatId>>,
}

/// A statement that reads chats in the order of their cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The caller's most active chats.
    Mine,
    /// Chats with the word, and whether the caller is in them.
    Theirs,
    /// The first public chats with all words.
    Open,
    /// More of the public chats with all words. The caller sees those that it is in.
    MoreOpen,
    /// The other chats with all words. The caller sees those that it is in.
    Closed,
}

/// The result for a range of chats.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The chats found in it: unordered, with duplicates.
    pub found: Vec<Cursor>,
    /// Where it ends; `None` if nothing follows.
    pub until: Option<Cursor>,
}

/// A chat that a look has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    cursor: Cursor,
    /// Whether the caller's membership has yet to be checked.
    hidden: bool,
    /// Whether the other words have yet to be checked.
    unchecked: bool,
}

impl ChatSearch {
    /// Starts a search for words, none of which may be empty. Without words, it finds nothing.
    pub async fn new(tx: &mut Tx, member: &Member, words: &[String]) -> Result<Self, StoreError> {
        let mut search = ChatSearch {
            member: member.clone(),
            words: words.to_vec(),
            known: Vec::new(),
            looks: Vec::new(),
            mine: None,
        };
        match words {
            [] => {}
            [word] => search.plan_one(tx, word).await?,
            _ => search.plan_several(tx).await?,
        }
        Ok(search)
    }

    async fn plan_one(&mut self, tx: &mut Tx, word: &str) -> Result<(), StoreError> {
        self.known = cursors(tx.rows(OPEN, range(word)).await?)?;
        if self.known.len() < OPEN_MAX {
            let closed = cursors(tx.rows(CLOSED, range(word)).await?)?;
            if closed.len() <= CLOSED_MAX {
                let ids: Vec<ChatId> = closed.iter().map(|cursor| cursor.chat_id).collect();
                let joined = joined(tx, &ids, &self.member).await?;
                self.known.extend(closed.into_iter().filter(|cursor| joined.contains_key(&cursor.chat_id)));
                return Ok(());
            }
        }
        self.looks.push(Look::Mine);
        if self.is_in(tx, THOUSAND).await? {
            self.looks.push(Look::Theirs);
        }
        Ok(())
    }

    /// Puts the rarest word first and chooses the looks.
    async fn plan_several(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut counted = Vec::with_capacity(self.words.len());
        for word in std::mem::take(&mut self.words) {
            let open = count(tx, true, &word).await?;
            let closed = if open < RARE { count(tx, false, &word).await? } else { 0 };
            counted.push((open + closed, word));
        }
        counted.sort_by_key(|(count, _)| *count);
        let least = counted.first().map_or(0, |(count, _)| *count);
        self.words.extend(counted.into_iter().map(|(_, word)| word));
        if least == 0 {
            return Ok(());
        }
        self.looks.push(Look::Open);
        if least < RARE {
            self.looks.push(Look::Closed);
        } else if self.is_in(tx, HUNDRED).await? {
            self.plan_common(tx).await?;
        } else {
            self.looks.push(Look::Mine);
        }
        Ok(())
    }

    /// Chooses the looks if every word is common and the caller is in more than a few chats.
    async fn plan_common(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let is_in_many = self.is_in(tx, THOUSAND).await?;
        let mut is_complete = false;
        for at in 0..self.words.len().min(ASKED) {
            let word = &self.words[at];
            if !has_beyond(tx, true, word).await? && !has_beyond(tx, false, word).await? {
                self.words.swap(0, at);
                is_complete = true;
                break;
            }
        }
        if is_complete || is_in_many {
            self.looks.extend([Look::MoreOpen, Look::Closed]);
        }
        if !is_complete {
            self.looks.push(Look::Mine);
        } else if !is_in_many {
            let mine = cursors(tx.rows(ALL_MINE, [self.me()]).await?)?;
            self.mine = Some(mine.into_iter().map(|cursor| cursor.chat_id).collect());
        }
        Ok(())
    }

    /// The matches after a cursor, as far as this many reads of each kind go; at least one.
    pub async fn behind(
        &self,
        tx: &mut Tx,
        last: Option<Cursor>,
        looks: usize,
    ) -> Result<Stretch, StoreError> {
        let mut stretch = Stretch {
            found: self
                .known
                .iter()
                .copied()
                .filter(|cursor| last.is_none_or(|last| *cursor > last))
                .collect(),
            until: None,
        };
        let mut all = Vec::new();
        for look in &self.looks {
            let rows = self.look(tx, *look, last, looks).await?;
            all.extend(self.seen(*look, stretch.until_of(rows, looks)?));
        }
        if let Some(until) = stretch.until {
            stretch.found.retain(|cursor| *cursor <= until);
            all.retain(|seen| seen.cursor <= until);
        }
        stretch.found.extend(self.checked(tx, all).await?);
        Ok(stretch)
    }

    async fn look(
        &self,
        tx: &mut Tx,
        look: Look,
        last: Option<Cursor>,
        looks: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some((first, others)) = self.words.split_first() else { return Ok(Vec::new()) };
        let from = last.unwrap_or(Cursor { time: i64::MIN, chat_id: ChatId(0) });
        let [low, high] = range(first);
        let (sql, of) = match look {
            Look::Mine => (MINE, self.me()),
            Look::Theirs => (THEIRS, self.me()),
            Look::Open => (FIRST_WITH, true.into()),
            Look::MoreOpen => (MORE_WITH, true.into()),
            Look::Closed => (MORE_WITH, false.into()),
        };
        let mut params = vec![of, low, high, from.time.into(), from.chat_id.into(), limit(looks)];
        if matches!(look, Look::Mine | Look::Theirs) {
            return tx.rows_of(sql, params).await;
        }
        params.extend(others.iter().map(|word| text::anywhere(&text::marked_word(word)).into()));
        tx.rows_of(&with_words(sql, others.len()), params).await
    }

    fn seen(&self, look: Look, rows: Vec<(Cursor, bool)>) -> Vec<Seen> {
        let has_others = self.words.len() > 1;
        let seen = |(cursor, flag): (Cursor, bool)| match look {
            Look::Mine | Look::Theirs => {
                flag.then_some(Seen { cursor, hidden: false, unchecked: has_others })
            }
            Look::Open => Some(Seen { cursor, hidden: false, unchecked: !flag }),
            Look::MoreOpen | Look::Closed => Some(Seen { cursor, hidden: true, unchecked: !flag }),
        };
        rows.into_iter().filter_map(seen).collect()
    }

    /// The chats that the caller sees and that have all words.
    async fn checked(&self, tx: &mut Tx, mut all: Vec<Seen>) -> Result<Vec<Cursor>, StoreError> {
        // Of duplicates, keep the one that needs fewer checks.
        all.sort_unstable();
        all.dedup_by_key(|seen| seen.cursor);
        if let Some(mine) = &self.mine {
            all.retain(|seen| !seen.hidden || mine.contains(&seen.cursor.chat_id));
        }
        let ids = |all: &[Seen], which: fn(&Seen) -> bool| -> Vec<ChatId> {
            all.iter().filter(|seen| which(seen)).map(|seen| seen.cursor.chat_id).collect()
        };
        for word in self.words.iter().skip(1) {
            let matching = named(tx, &ids(&all, |seen| seen.unchecked), word).await?;
            all.retain(|seen| !seen.unchecked || matching.contains(&seen.cursor.chat_id));
        }
        if self.mine.is_none() {
            let joined = joined(tx, &ids(&all, |seen| seen.hidden), &self.member).await?;
            all.retain(|seen| !seen.hidden || joined.contains_key(&seen.cursor.chat_id));
        }
        Ok(all.into_iter().map(|seen| seen.cursor).collect())
    }

    fn me(&self) -> Value {
        self.member.to_column().into()
    }

    async fn is_in(&self, tx: &mut Tx, sql: &str) -> Result<bool, StoreError> {
        Ok(tx.row(sql, [self.me()]).await?.is_some())
    }
}

/// The bounds of a word, as parameters.
fn range(word: &str) -> [Value; 2] {
    let (low, high) = text::range(word);
    [low.into(), high.into()]
}

async fn count(tx: &mut Tx, is_open: bool, word: &str) -> Result<i64, StoreError> {
    let [low, high] = range(word);
    tx.row(COUNT, [is_open.into(), low, high]).await?.map_or(Ok(0), |row| row.int(0))
}

async fn has_beyond(tx: &mut Tx, is_open: bool, word: &str) -> Result<bool, StoreError> {
    let [low, high] = range(word);
    Ok(tx.row(BEYOND, [is_open.into(), low, high]).await?.is_some())
}

/// A statement for one other word, extended to `count` words.
fn with_words(sql: &str, count: usize) -> String {
    let all: Vec<String> = (8..8 + count).map(|number| LIKE.replace("$8", &format!("${number}"))).collect();
    sql.replace(LIKE, &all.join(" AND "))
}

impl Stretch {
    /// The chats in the rows of this many reads, and their flags. If the limit may have cut the rows off, the range
    /// ends there, too.
    fn until_of(&mut self, rows: Vec<Row>, looks: usize) -> Result<Vec<(Cursor, bool)>, StoreError> {
        let is_full = rows.len() >= looks;
        let chat = |row: Row| Ok((row.flag(2)?, cursor(row)?)).map(|(flag, cursor)| (cursor, flag));
        let chats = rows.into_iter().map(chat).collect::<Result<Vec<_>, StoreError>>()?;
        if is_full {
            let end = chats.iter().map(|(cursor, _)| *cursor).max();
            self.until = self.until.into_iter().chain(end).min();
        }
        Ok(chats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Cursor {
        Cursor { time, chat_id: ChatId(7) }
    }

    fn rows(times: &[i64]) -> Vec<Row> {
        let row = |time: &i64| Row(vec![(*time).into(), ChatId(7).into(), (time % 2 == 0).into()]);
        times.iter().map(row).collect()
    }

    #[test]
    fn a_stretch_ends_where_the_first_look_that_was_full_ends() {
        let mut stretch = Stretch::default();
        let chats = stretch.until_of(rows(&[2, 6, 5]), 4).expect("rows");
        assert_eq!((chats, stretch.until), (vec![(at(2), true), (at(6), true), (at(5), false)], None));
        stretch.until_of(rows(&[1, 3, 9, 8]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(9)), "also if the last one seen is not found");
        stretch.until_of(rows(&[2, 1, 5, 4]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(5)));
        stretch.until_of(rows(&[]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(5)));
    }

    #[test]
    fn a_statement_takes_a_pattern_for_each_other_word() {
        assert_eq!(with_words(MORE_WITH, 1), MORE_WITH);
        let three = with_words(MORE_WITH, 3);
        let expected =
            "(words LIKE $8 ESCAPE '\\' AND words LIKE $9 ESCAPE '\\' AND words LIKE $10 ESCAPE '\\')";
        assert!(three.contains(expected), "{three}");
    }
}
