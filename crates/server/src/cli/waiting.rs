//! Waits for asynchronous work, and for a store that is not available yet.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The first pause between two attempts; each is twice as long as the one before.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs asynchronous work on a small runtime of its own.
pub(super) fn waiting<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build();
    runtime.map_err(|error| format!("cannot start threads: {error}"))?.block_on(work)
}

/// Why a store could not be opened.
#[derive(Debug)]
pub(super) enum NotOpen {
    /// It cannot be reached now; retrying may help.
    Away(String),
    /// It cannot be used, and retrying does not help.
    Refused(String),
}

impl NotOpen {
    /// The reason.
    pub(super) fn why(self) -> String {
        match self {
            NotOpen::Away(why) | NotOpen::Refused(why) => why,
        }
    }
}

/// Retries until it succeeds, is refused, or `until` has passed; calls `report` with the reason before each pause.
pub(super) async fn patiently<T>(
    until: Option<Instant>,
    report: impl Fn(&str),
    attempt: impl AsyncFn() -> Result<T, NotOpen>,
) -> Result<T, String> {
    let mut pause = FIRST;
    loop {
        let why = match attempt().await {
            Ok(there) => return Ok(there),
            Err(NotOpen::Refused(why)) => return Err(why),
            Err(NotOpen::Away(why)) => why,
        };
        let left = until.map_or(pause, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(why);
        }
        report(&why);
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    async fn tried(
        until: Option<Instant>,
        answers: &[Result<u8, NotOpen>],
    ) -> (Result<u8, String>, usize, usize) {
        let (tries, report) = (Cell::new(0), RefCell::new(Vec::new()));
        let outcome = patiently(
            until,
            |why| report.borrow_mut().push(why.to_owned()),
            async || {
                let answer = &answers[tries.get().min(answers.len() - 1)];
                tries.set(tries.get() + 1);
                match answer {
                    Ok(there) => Ok(*there),
                    Err(NotOpen::Away(why)) => Err(NotOpen::Away(why.clone())),
                    Err(NotOpen::Refused(why)) => Err(NotOpen::Refused(why.clone())),
                }
            },
        );
        let outcome = outcome.await;
        (outcome, tries.get(), report.borrow().len())
    }

    fn away() -> Result<u8, NotOpen> {
        Err(NotOpen::Away("away".to_owned()))
    }

    #[tokio::test]
    async fn it_waits_for_what_may_pass_and_not_for_what_will_not() {
        assert_eq!(tried(None, &[Ok(1)]).await, (Ok(1), 1, 0));
        assert_eq!(tried(None, &[away(), Ok(2)]).await, (Ok(2), 2, 1));
        let refused = Err(NotOpen::Refused("no".to_owned()));
        assert_eq!(tried(None, &[away(), refused]).await, (Err("no".to_owned()), 2, 1));
    }

    #[tokio::test]
    async fn it_waits_no_longer_than_it_may() {
        let now = Instant::now();
        assert_eq!(tried(Some(now), &[away()]).await, (Err("away".to_owned()), 1, 0));
        let (outcome, tries, report) = tried(Some(now + Duration::from_millis(400)), &[away()]).await;
        assert_eq!(
            (outcome, tries, report),
            (Err("away".to_owned()), 3, 2),
            "now, after 250 ms, and at the end"
        );
    }
}
