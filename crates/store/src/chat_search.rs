//! The chats that words find by their names, as far as a page asks for them.

use std::collections::HashSet;

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::listing::{Cursor, cursor, cursors, joined, limit, named};
use crate::member::Member;
use crate::{Row, Tx, Value, text};

/// The most public chats that a word finds.
const OPEN_MAX: usize = 1000;
/// The most other chats with a word that are looked at one by one.
const CLOSED_MAX: usize = 500;
/// A word in fewer rows than this is rare: all of its chats are read.
const RARE: i64 = 1000;
/// Of so many common words it is asked whether all of their rows can be read.
const ASKED: usize = 2;

const OPEN: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 1 AND term >= $2 AND term < $3 \
                    ORDER BY term, chat_id LIMIT 1000";
/// Those with the word that not everybody sees: one more than are looked at one by one.
const CLOSED: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 0 AND term >= $2 AND term < $3 \
                      ORDER BY term, chat_id LIMIT 501";

/// The rows of a word, up to [`RARE`].
const COUNT: &str = "SELECT COUNT(*) FROM (SELECT term FROM chat_term WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 \
                     ORDER BY term, chat_id LIMIT 1000) o";
/// Whether a word has more rows than [`MORE_WITH`] reads.
const BEYOND: &str = "SELECT term FROM chat_term WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 \
                      ORDER BY term, chat_id LIMIT 1 OFFSET 5000";

/// Of the first rows of one word the oldest chats behind a cursor that have another word, too, and whether they were known
/// to have it. For more words, [`LIKE`] is repeated.
const FIRST_WITH: &str = "SELECT created_at, chat_id, CASE WHEN words = '' THEN 0 ELSE 1 END FROM (SELECT created_at, chat_id, words FROM chat_term \
                          WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 1000) o \
                          WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) \
                          AND (words = '' OR (words LIKE $8 ESCAPE '\\')) ORDER BY created_at, chat_id LIMIT $7";
const MORE_WITH: &str = "SELECT created_at, chat_id, CASE WHEN words = '' THEN 0 ELSE 1 END FROM (SELECT created_at, chat_id, words FROM chat_term \
                         WHERE tenant = $1 AND is_open = $2 AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 5000) o \
                         WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) \
                         AND (words = '' OR (words LIKE $8 ESCAPE '\\')) ORDER BY created_at, chat_id LIMIT $7";
const LIKE: &str = "words LIKE $8 ESCAPE '\\'";

/// Of the caller's most recently active chats the oldest behind a cursor, and whether they have the word.
///
/// Ids are random, so that each look is a page of the index for itself: there must be few of them. For an EXISTS PostgreSQL
/// may read all that could be looked for instead; a count it takes for each row.
const MINE: &str = "SELECT m.chat_created_at, m.chat_id, \
                    (SELECT COUNT(*) FROM chat_term t WHERE t.tenant = $1 AND t.chat_id = m.chat_id AND t.term >= $3 AND t.term < $4) \
                    FROM (SELECT chat_created_at, chat_id FROM (SELECT chat_created_at, chat_id FROM chat_member \
                    WHERE tenant = $1 AND member = $2 AND listed = 1 ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1000) o \
                    WHERE (chat_created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) ORDER BY chat_created_at, chat_id LIMIT $7) m";
/// The same from the other end, for a caller who is in more chats: those with the word, and whether the caller is in them.
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
/// All chats of a member who is in a thousand at most.
const ALL_MINE: &str = "SELECT chat_created_at, chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = 1 \
                        ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1000";

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] =
    &[OPEN, CLOSED, COUNT, BEYOND, FIRST_WITH, MORE_WITH, MINE, THEIRS, HUNDRED, THOUSAND, ALL_MINE];

/// The chats that a member sees and that all of some words find by their own names.
///
/// Exact where a word is rare. Otherwise bounded, however many chats there are: one of the words is looked for in 1000 public
/// chats, in the member's 1000 most active ones and, of a member of more, in 5000 others with it.
///
/// One word is looked for in the chats that the caller is in. Several are intersected: the rows of the rarest are read off an
/// index that has all words of each chat, so that a chat without the others costs no look at its own rows.
#[derive(Debug)]
pub struct ChatSearch {
    member: Member,
    /// The first is the one that is looked for; the others are checked in what it finds.
    words: Vec<String>,
    /// Chats that are known already.
    known: Vec<Cursor>,
    /// The statements that look for more; none if all are known.
    looks: Vec<Look>,
    /// All chats that the caller is in, if they were read.
    mine: Option<HashSet<ChatId>>,
}

/// A statement that looks at chats in the order of their cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// At the caller's most active chats.
    Mine,
    /// At chats with the word, whether the caller is in them.
    Theirs,
    /// At the first public chats with all words.
    Open,
    /// At more of the public chats with all words, of which the caller sees those that it is in.
    MoreOpen,
    /// At the other chats with all words, of which the caller sees those that it is in.
    Closed,
}

/// What a stretch of chats gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The chats found in it, in no order and with repetitions.
    pub found: Vec<Cursor>,
    /// Where it ends; `None` if nothing is behind it.
    pub until: Option<Cursor>,
}

/// A chat that a look came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    cursor: Cursor,
    /// Whether it has yet to be checked that the caller is in it.
    hidden: bool,
    /// Whether it has yet to be checked for the other words.
    unchecked: bool,
}

impl ChatSearch {
    /// Begins to look for words, none of which may be empty. Without any, nothing is found.
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

    /// Chooses the looks for words each of which is common, for a caller who is in more than a few chats.
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

    /// What is behind a cursor, as far as so many looks of each kind go; at least one.
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

    /// Those that the caller sees and that have all words.
    async fn checked(&self, tx: &mut Tx, mut all: Vec<Seen>) -> Result<Vec<Cursor>, StoreError> {
        // Of what was seen twice, what is seen without a check.
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

/// A statement for one other word, made one for so many.
fn with_words(sql: &str, count: usize) -> String {
    let all: Vec<String> = (8..8 + count).map(|number| LIKE.replace("$8", &format!("${number}"))).collect();
    sql.replace(LIKE, &all.join(" AND "))
}

impl Stretch {
    /// The chats in rows of so many looks, and their flags. Where they may have ended before the chats did, the stretch ends,
    /// too.
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
