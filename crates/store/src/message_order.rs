//! The time of a message that is sent while another server sends to the same chat.
//!
//! Messages are in the order of their times, and each server has its own clock. Without a correction, a message that answers
//! another one would be listed before it, if it was sent over a server whose clock is a little behind.

use larkspur_contract::ids::{ChatId, ThreadId};

use crate::driver::StoreError;
use crate::{Row, Tx};

/// Up to this much, in milliseconds, clocks of servers differ. A last message that is further ahead is one from before the
/// tenant's clock was moved back, and does not count.
const SKEW_MS: i64 = 1000;

const OF_CHAT: &str = "SELECT created_at, number FROM message WHERE tenant = $1 AND chat_id = $2 AND place = 0 \
     ORDER BY created_at DESC, number DESC LIMIT 1";
const OF_THREAD: &str = "SELECT created_at, number FROM message WHERE tenant = $1 AND thread_id = $2 AND thread_id <> '' \
     ORDER BY created_at DESC, number DESC LIMIT 1";

/// When a message is sent, in milliseconds of the tenant's time: `now`, or right after the last message of the chat, or of the
/// thread for a reply in one, if a server whose clock is ahead has stored it. `number` is that of the new message.
///
/// Operations that only add rows may call it: of two messages that are sent at the same moment, either may be first.
///
/// # Errors
/// The store is unavailable.
pub async fn time_of_next(
    tx: &mut Tx,
    chat: ChatId,
    thread: Option<ThreadId>,
    (now_ms, number): (i64, i64),
) -> Result<i64, StoreError> {
    // A single server has one clock.
    if !tx.engine().driver.is_shared() {
        return Ok(now_ms);
    }
    let found = match thread {
        Some(thread) => tx.look_up(OF_THREAD, [thread.into()]).await?,
        None => tx.look_up(OF_CHAT, [chat.into()]).await?,
    };
    let last = |row: Row| Ok::<_, StoreError>((row.int(0)?, row.int(1)?));
    let last = found.into_iter().next().map(last).transpose()?;
    Ok(last.map_or(now_ms, |last| after(last, (now_ms, number))))
}

/// The time of a message that follows the last one.
fn after(last: (i64, i64), new: (i64, i64)) -> i64 {
    if last < new || last.0.saturating_sub(new.0) > SKEW_MS { new.0 } else { last.0.saturating_add(1) }
}

/// The statements of this file, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[OF_CHAT, OF_THREAD];

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
