//! Lets calls that arrive together be served together.

/// How often to yield at most.
const ROUNDS: u32 = 8;

/// Yields to tasks that are about to hand over work, for as long as more arrives and `enough` is not reached. Calls
/// often arrive together, and what waits can then be served at once. `waiting` counts what was handed over; `give_way`
/// lets other tasks run, like the runtime's `yield_now`.
pub async fn gather<F: Future<Output = ()>>(
    waiting: impl Fn() -> usize,
    enough: usize,
    give_way: impl Fn() -> F,
) {
    let mut before = waiting();
    for _ in 0..ROUNDS {
        give_way().await;
        let now = waiting();
        if now <= before || now >= enough {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    /// How often it yields while this many wait.
    fn rounds(counts: &[usize], enough: usize) -> usize {
        let at = Cell::new(0);
        let waiting = || counts[at.get().min(counts.len() - 1)];
        let give_way = || {
            at.set(at.get() + 1);
            ready(())
        };
        let gathered = pin!(gather(waiting, enough, give_way));
        assert!(gathered.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        at.get()
    }

    #[test]
    fn it_gives_way_for_as_long_as_more_comes() {
        assert_eq!(rounds(&[5], 10), 1);
        assert_eq!(rounds(&[0, 1, 3, 3], 10), 3);
        assert_eq!(rounds(&[0, 1, 3, 4], 3), 2);
        assert_eq!(rounds(&Vec::from_iter(0..20), 100), 8);
    }
}
