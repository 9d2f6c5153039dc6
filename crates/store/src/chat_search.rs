//! The chats that a term finds by their own names, as far as somebody asks for them.

use larkspur_contract::ids::ChatId;

use crate::chats::Member;
use crate::driver::StoreError;
use crate::listing::{Cursor, cursor, cursors, joined, limit};
use crate::{Row, Tx, Value, text};

/// The most public chats that a term finds.
const OPEN_MAX: usize = 1000;
/// The most other chats with a term that are looked at one by one.
const CLOSED_MAX: usize = 500;

const OPEN: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 1 AND term >= $2 AND term < $3 \
                    ORDER BY term, chat_id LIMIT 1000";
/// Those with the term that not everybody sees: one more than are looked at one by one.
const CLOSED: &str = "SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 0 AND term >= $2 AND term < $3 \
                      ORDER BY term, chat_id LIMIT 501";
/// Of the caller's most recently active chats the oldest behind a cursor, and whether they have the term.
///
/// Ids are random, so that each look is a page of the index for itself: there must be few of them. For an EXISTS PostgreSQL
/// may read all that could be looked for instead; a count it takes for each row.
const MINE: &str = "SELECT m.chat_created_at, m.chat_id, \
                    (SELECT COUNT(*) FROM chat_term t WHERE t.tenant = $1 AND t.chat_id = m.chat_id AND t.term >= $3 AND t.term < $4) \
                    FROM (SELECT chat_created_at, chat_id FROM (SELECT chat_created_at, chat_id FROM chat_member \
                    WHERE tenant = $1 AND member = $2 AND listed = 1 ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1000) o \
                    WHERE (chat_created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) ORDER BY chat_created_at, chat_id LIMIT $7) m";
/// The same from the other end, for whoever is in more chats: those with the term, and whether the caller is in them.
const THEIRS: &str = "SELECT t.created_at, t.chat_id, \
                      (SELECT COUNT(*) FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = t.chat_id AND m.member = $2) \
                      FROM (SELECT created_at, chat_id FROM (SELECT created_at, chat_id FROM chat_term WHERE tenant = $1 AND is_open = 0 \
                      AND term >= $3 AND term < $4 ORDER BY term, chat_id LIMIT 5000) o \
                      WHERE (created_at, chat_id) > (CAST($5 AS BIGINT), CAST($6 AS TEXT)) ORDER BY created_at, chat_id LIMIT $7) t";
const MANY: &str = "SELECT chat_id FROM chat_member WHERE tenant = $1 AND member = $2 AND listed = 1 \
                    ORDER BY chat_active_at DESC, chat_id DESC LIMIT 1 OFFSET 1000";

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[OPEN, CLOSED, MINE, THEIRS, MANY];

/// The chats that a member sees and that a term finds by their own names.
///
/// Exact where the term is rare. Otherwise bounded, however many chats there are: it is looked for in 1000 public ones,
/// in the member's 1000 most active ones and, of a member of more, in 5000 others with it.
#[derive(Debug)]
pub struct Named {
    me: Value,
    range: (Value, Value),
    /// Those that are known already.
    known: Vec<Cursor>,
    /// The looks that are left to take; none if all are known.
    looks: Vec<&'static str>,
}

/// What a stretch of chats gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The chats found in it, in no order and with repetitions.
    pub found: Vec<Cursor>,
    /// Where it ends; `None` if nothing is behind it.
    pub until: Option<Cursor>,
}

impl Named {
    /// Begins to look for a term, which must not be empty.
    pub async fn new(tx: &mut Tx, member: &Member, term: &str) -> Result<Self, StoreError> {
        let (low, high) = text::range(term);
        let (me, range): (Value, (Value, Value)) = (member.to_column().into(), (low.into(), high.into()));
        let bounds = || [range.0.clone(), range.1.clone()];
        let mut known = cursors(tx.rows(OPEN, bounds()).await?)?;
        if known.len() < OPEN_MAX {
            let closed = cursors(tx.rows(CLOSED, bounds()).await?)?;
            if closed.len() <= CLOSED_MAX {
                let ids: Vec<ChatId> = closed.iter().map(|cursor| cursor.chat_id).collect();
                let joined = joined(tx, &ids, member).await?;
                known.extend(closed.into_iter().filter(|cursor| joined.contains_key(&cursor.chat_id)));
                return Ok(Named { me, range, known, looks: Vec::new() });
            }
        }
        let in_many = tx.row(MANY, [me.clone()]).await?.is_some();
        let looks = if in_many { vec![MINE, THEIRS] } else { vec![MINE] };
        Ok(Named { me, range, known, looks })
    }

    /// What is behind a cursor, as far as so many looks of each kind go; at least one.
    pub async fn behind(
        &self,
        tx: &mut Tx,
        last: Option<Cursor>,
        looks: usize,
    ) -> Result<Stretch, StoreError> {
        let from = last.unwrap_or(Cursor { time: i64::MIN, chat_id: ChatId(0) });
        let mut stretch = Stretch {
            found: self
                .known
                .iter()
                .copied()
                .filter(|cursor| last.is_none_or(|last| *cursor > last))
                .collect(),
            until: None,
        };
        for sql in &self.looks {
            let (me, (low, high)) = (self.me.clone(), self.range.clone());
            let params = [me, low, high, from.time.into(), from.chat_id.into(), limit(looks)];
            let seen = tx.rows(sql, params).await?;
            stretch.take(seen, looks)?;
        }
        if let Some(until) = stretch.until {
            stretch.found.retain(|cursor| *cursor <= until);
        }
        Ok(stretch)
    }
}

impl Stretch {
    /// Takes what so many looks saw. Where they may have ended before the chats did, the stretch ends, too.
    fn take(&mut self, seen: Vec<Row>, looks: usize) -> Result<(), StoreError> {
        let full = seen.len() >= looks;
        let mut end = None;
        for row in seen {
            let is_found = row.flag(2)?;
            let cursor = cursor(row)?;
            end = end.max(Some(cursor));
            self.found.extend(is_found.then_some(cursor));
        }
        if full {
            self.until = self.until.into_iter().chain(end).min();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Cursor {
        Cursor { time, chat_id: ChatId(7) }
    }

    fn seen(times: &[i64]) -> Vec<Row> {
        let row = |time: &i64| Row(vec![(*time).into(), ChatId(7).into(), (time % 2 == 0).into()]);
        times.iter().map(row).collect()
    }

    #[test]
    fn a_stretch_ends_where_the_first_look_that_was_full_ends() {
        let mut stretch = Stretch::default();
        stretch.take(seen(&[2, 6, 4]), 4).expect("rows");
        assert_eq!((stretch.found.as_slice(), stretch.until), ([at(2), at(6), at(4)].as_slice(), None));
        stretch.take(seen(&[1, 3, 9, 8]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(9)), "also if the last one seen is not found");
        stretch.take(seen(&[2, 1, 5, 4]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(5)));
        stretch.take(seen(&[]), 4).expect("rows");
        assert_eq!(stretch.until, Some(at(5)));
    }
}
