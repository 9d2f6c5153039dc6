//! The time of a message that is sent while another server sends to the same chat, and how many were sent to it lately.
//!
//! Messages are in the order of their times, and each server has its own clock. Without a correction, a message that answers
//! another one would be listed before it, if it was sent over a server whose clock is a little behind.

use larkspur_contract::ids::{ChatId, ThreadId};

use crate::Tx;
use crate::driver::StoreError;
use crate::pace::{self, WINDOW_MS};

/// Up to this much, in milliseconds, clocks of servers differ. A last message that is further ahead is one from before the
/// tenant's clock was moved back, and does not count.
const SKEW_MS: i64 = 1000;

const OF_CHAT: &str = "SELECT created_at, number, CAST(0 AS BIGINT) FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 \
     ORDER BY created_at DESC, number DESC LIMIT 1";
const OF_THREAD: &str = "SELECT created_at, number, CAST(0 AS BIGINT) FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' \
     ORDER BY created_at DESC, number DESC LIMIT 1";

// The same with what apps sent to the chat lately: messages, and replies in threads, at most as many as matter.
const COUNTED_OF_CHAT: &str = "SELECT created_at, number, \
     (SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 AND created_at > $3 \
     AND created_at <= $4 AND app_id <> '' ORDER BY created_at, number LIMIT 5) a) + \
     (SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 1 AND created_at > $3 \
     AND created_at <= $4 AND app_id <> '' ORDER BY created_at, number LIMIT 5) b) \
     FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 ORDER BY created_at DESC, number DESC LIMIT 1";
const COUNTED_OF_THREAD: &str = "SELECT created_at, number, \
     (SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE tenant = $1 AND chat_id = $3 AND place = 0 AND created_at > $4 \
     AND created_at <= $5 AND app_id <> '' ORDER BY created_at, number LIMIT 5) a) + \
     (SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE tenant = $1 AND chat_id = $3 AND place = 1 AND created_at > $4 \
     AND created_at <= $5 AND app_id <> '' ORDER BY created_at, number LIMIT 5) b) \
     FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' ORDER BY created_at DESC, number DESC LIMIT 1";

// The number in the statements.
const _: () = assert!(pace::MOST == 5);

/// What is known of a chat when a message is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// When the message is sent, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// How many messages of apps the chat took in [`crate::pace::WINDOW_MS`], at least up to [`crate::pace::MOST`]; 0 if they were not asked for,
    /// and on a store with one server, which counts in its memory.
    pub lately: usize,
}

/// When a message is sent: `now`, or right after the last message of the chat, or of the thread for a reply in one, if a server
/// whose clock is ahead has stored it. `number` is that of the new message. `counted` asks for what apps sent lately over all
/// servers; this needs no further statement.
///
/// Operations that only add rows may call it: of two messages that are sent at the same moment, either may be first.
///
/// # Errors
/// The store is unavailable.
pub async fn next(
    tx: &mut Tx,
    chat: ChatId,
    thread: Option<ThreadId>,
    (now_ms, number): (i64, i64),
    counted: bool,
) -> Result<Next, StoreError> {
    // A single server has one clock.
    if !tx.engine().driver.is_shared() {
        return Ok(Next { created_at: now_ms, lately: 0 });
    }
    let (from, to) = (now_ms.saturating_sub(WINDOW_MS), now_ms.saturating_add(SKEW_MS));
    let found = match (thread, counted) {
        (Some(thread), false) => tx.look_up(OF_THREAD, [thread.into()]).await?,
        (None, false) => tx.look_up(OF_CHAT, [chat.into()]).await?,
        (Some(thread), true) => {
            tx.look_up(COUNTED_OF_THREAD, [thread.into(), chat.into(), from.into(), to.into()]).await?
        }
        (None, true) => tx.look_up(COUNTED_OF_CHAT, [chat.into(), from.into(), to.into()]).await?,
    };
    let Some(row) = found.into_iter().next() else { return Ok(Next { created_at: now_ms, lately: 0 }) };
    let last = (row.int(0)?, row.int(1)?);
    let lately = usize::try_from(row.int(2)?).unwrap_or_default();
    Ok(Next { created_at: after(last, (now_ms, number)), lately })
}

/// The time of a message that follows the last one.
fn after(last: (i64, i64), new: (i64, i64)) -> i64 {
    if last < new || last.0.saturating_sub(new.0) > SKEW_MS { new.0 } else { last.0.saturating_add(1) }
}

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[OF_CHAT, OF_THREAD, COUNTED_OF_CHAT, COUNTED_OF_THREAD];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_follows_the_last_one_unless_the_clock_was_moved() {
        for (last, new, time) in [
            ((100, 7), (101, 1), 101),
            ((100, 7), (100, 8), 100),
            ((100, 7), (100, 6), 101),
            ((1100, 7), (100, 8), 1101),
            ((1101, 7), (100, 8), 100),
            ((i64::MAX, 7), (i64::MAX, 6), i64::MAX),
        ] {
            assert_eq!(after(last, new), time, "{last:?} {new:?}");
        }
    }
}
