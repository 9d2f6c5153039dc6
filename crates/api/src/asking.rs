//! What an operation must have done before it can go on: a challenge to a request URL, a callback, copies of files, or the end of
//! another call.
//!
//! An operation runs inside a transaction, where nothing may wait for the network or a disk. So it leaves its question here and
//! refuses the call, and its transaction ends. The gateway asks the app and runs the operation again, with the result.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Code, EventType, Fault, codes};
use larkspur_store::StoreError;
use larkspur_store::events::subscriptions::Mode;
use serde_json::Value;

/// A question to an app, or work on files. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub enum Question {
    /// Whether a URL returns a challenge.
    Challenge(Challenge),
    /// The answer to a callback.
    Callback(Callback),
    /// Copies of files.
    Copies(FileCopies),
    /// A moment, in which another call may end.
    Pause(Duration),
}

/// The result of a question.
#[derive(Clone)]
pub enum Told {
    /// Of a challenge.
    Challenge(Challenge, Heard),
    /// Of a callback.
    Callback(Called),
    /// Of copies of files: why they failed, if they did.
    Copies(FileCopies, Option<StoreError>),
    /// The moment has passed.
    Paused,
}

/// Files outside of the database to be copied from one tenant to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopies {
    /// The tenant that has them.
    pub from: TenantKey,
    /// The tenant that is to have them.
    pub to: TenantKey,
    /// Their hashes.
    pub hashes: BTreeSet<String>,
}

/// A challenge to be sent to a URL. It holds secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The app that owns the URL.
    pub app_id: AppId,
    /// The URL.
    pub request_url: String,
    /// The key that encrypts the challenge; `None` for plain text.
    pub encrypt_key: Option<String>,
    /// The token by which the app recognizes the challenge.
    pub verification_token: String,
}

/// A callback to be sent to an app, once. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct Callback {
    /// The tenant of the user who caused it.
    pub tenant: TenantKey,
    /// The app.
    pub app_id: AppId,
    /// The tenant that made the app.
    pub developer: TenantKey,
    /// Its type.
    pub kind: &'static EventType,
    /// Its ID: 32 hex digits.
    pub event_id: String,
    /// When it was caused, in the tenant's time, in milliseconds.
    pub created_at: i64,
    /// The payload: JSON, without the envelope.
    pub payload: String,
    /// How the app receives it.
    pub to: CallbackRoute,
}

/// How an app receives a callback. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub enum CallbackRoute {
    /// By a request to a URL.
    Webhook {
        /// The URL.
        request_url: String,
        /// The key that encrypts and signs the request; `None` for plain text.
        encrypt_key: Option<String>,
        /// The token by which the app recognizes the callback.
        verification_token: String,
    },
    /// By a long connection that the app opened.
    Connection,
}

/// The result of a callback.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// The ID of the callback.
    pub event_id: String,
    /// The payload that the app got: JSON.
    pub payload: String,
    /// How it was sent; `None` if the app has no way to receive it.
    pub way: Option<Mode>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The HTTP status of the answer, or the code of the acknowledgment, if there was one.
    pub status: Option<u16>,
    /// The answer, if it is a JSON object; `{}` if the app answered with nothing.
    pub answer: Option<Value>,
    /// Why it failed: the code that the user's client shows, and the reason in words. `None` if it did not.
    pub failure: Option<(Code, String)>,
}

impl Called {
    /// The token for changing the card, which the app was told.
    pub fn token(&self) -> Option<String> {
        let told: Value = serde_json::from_str(&self.payload).ok()?;
        told["token"].as_str().map(str::to_owned)
    }
}

/// The result of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The last step that was reached.
    pub step: Step,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed at this step; `None` if all steps succeeded.
    pub failure: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The steps of a challenge, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The name of the host is looked up.
    Resolve,
    /// A connection is opened.
    Connect,
    /// The connection is encrypted.
    Encrypt,
    /// An answer arrives in time.
    Answer,
    /// The status is 200.
    Status,
    /// The answer contains the challenge.
    Challenge,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Step; 6] =
        [Step::Resolve, Step::Connect, Step::Encrypt, Step::Answer, Step::Status, Step::Challenge];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Resolve => "resolve",
            Step::Connect => "connect",
            Step::Encrypt => "encrypt",
            Step::Answer => "answer",
            Step::Status => "status",
            Step::Challenge => "challenge",
        }
    }
}

/// Where an operation leaves its question and finds the answer.
#[derive(Default)]
pub struct Asking {
    question: Mutex<Option<Question>>,
    heard: Mutex<Option<(Challenge, Heard)>>,
    called: Mutex<Option<Called>>,
    copied: Mutex<Option<(FileCopies, Option<StoreError>)>>,
    paused: AtomicUsize,
}

/// The most questions that an operation may ask in a call: another one follows if the URL was changed while a challenge was
/// sent.
pub const QUESTIONS: usize = 3;

/// How long an operation waits for another call, one pause after the other.
const PAUSES: [Duration; QUESTIONS] =
    [Duration::from_millis(40), Duration::from_millis(160), Duration::from_millis(500)];

impl Asking {
    /// The result of a challenge. The result of a different question does not count: another call may have changed the
    /// URL, the key or the token while the challenge was sent.
    ///
    /// # Errors
    /// There is no result yet: the operation must end with this refusal, and is run again.
    pub fn ask(&self, question: Challenge) -> Result<Heard, Fault> {
        if let Some((asked, heard)) = &*lock(&self.heard)
            && *asked == question
        {
            *lock(&self.question) = None;
            return Ok(heard.clone());
        }
        *lock(&self.question) = Some(Question::Challenge(question));
        Err(Fault::new(codes::INTERNAL, "the request URL was not verified yet"))
    }

    /// The result of the callback of this call, if it was sent. A call sends one callback, and never a second time, although
    /// its operation runs again: what the operation made up for it, such as its ID, is in the result.
    pub fn called(&self) -> Option<Called> {
        lock(&self.called).clone()
    }

    /// Leaves a callback to be sent. The operation must end with the returned refusal, and is run again; [`Asking::called`]
    /// then has the result.
    pub fn call(&self, callback: Callback) -> Fault {
        *lock(&self.question) = Some(Question::Callback(callback));
        Fault::new(codes::INTERNAL, "the callback was not sent yet")
    }

    /// The tenant that files were copied to, if this is not the first run of the operation.
    pub fn copied_to(&self) -> Option<TenantKey> {
        lock(&self.copied).as_ref().map(|(copies, _)| copies.to)
    }

    /// Has files copied.
    ///
    /// # Errors
    /// They are not copied yet: the operation must end with this refusal, and is run again. Or they cannot be copied.
    pub fn copy(&self, wanted: FileCopies) -> Result<(), Fault> {
        if wanted.hashes.is_empty() {
            return Ok(());
        }
        if let Some((copied, failure)) = &*lock(&self.copied)
            && copied.to == wanted.to
        {
            if let Some(failure) = failure {
                return Err(failure.clone().into());
            }
            if wanted.hashes.is_subset(&copied.hashes) {
                return Ok(());
            }
        }
        *lock(&self.question) = Some(Question::Copies(wanted));
        Err(Fault::new(codes::UNAVAILABLE, "new files appeared while the world was copied: try again"))
    }

    /// Has the operation run again after a moment, as long as it may wait: 700 ms in three pauses. The operation must end
    /// with the returned refusal, which is the call's if it has waited long enough.
    pub fn pause(&self, refusal: Fault) -> Fault {
        if let Some(pause) = PAUSES.get(self.paused.load(Ordering::Relaxed)) {
            *lock(&self.question) = Some(Question::Pause(*pause));
        }
        refusal
    }

    /// The question that is to be asked.
    pub(crate) fn question(&self) -> Option<Question> {
        lock(&self.question).take()
    }

    /// Sets the result of a question, which replaces an earlier one.
    pub(crate) fn told(&self, told: Told) {
        match told {
            Told::Challenge(asked, heard) => *lock(&self.heard) = Some((asked, heard)),
            Told::Callback(called) => *lock(&self.called) = Some(called),
            Told::Copies(copies, failure) => *lock(&self.copied) = Some((copies, failure)),
            Told::Paused => self.paused.store(self.paused.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows no secret.
impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = lock(&self.heard).as_ref().map(|(_, heard)| heard.clone());
        f.debug_struct("Asking").field("heard", &heard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_answers_only_its_own_question() {
        let question = |url: &str, key: Option<&str>| Challenge {
            app_id: AppId(1),
            request_url: url.to_owned(),
            encrypt_key: key.map(str::to_owned),
            verification_token: "token".to_owned(),
        };
        let heard = Heard { step: Step::Challenge, status: Some(200), failure: None, took_ms: 1 };
        let asking = Asking::default();
        assert!(asking.ask(question("http://a/", None)).is_err());
        let Some(Question::Challenge(asked)) = asking.question() else { panic!("no challenge") };
        asking.told(Told::Challenge(asked, heard.clone()));
        for other in [question("http://b/", None), question("http://a/", Some("key"))] {
            assert!(asking.ask(other.clone()).is_err());
            let again = asking.question();
            assert!(matches!(again, Some(Question::Challenge(again)) if again == other), "it is asked anew");
        }
        assert_eq!(asking.ask(question("http://a/", None)).ok(), Some(heard));
        assert!(asking.question().is_none());
    }
}
