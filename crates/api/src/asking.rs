//! The challenge to a request URL, whose result an operation needs before it can go on.
//!
//! An operation runs inside a transaction, where nothing may wait for the network. So it leaves its question here and
//! refuses the call, and its transaction ends. The gateway sends the challenge and runs the operation again, with the
//! result.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use larkspur_contract::Fault;
use larkspur_contract::codes;
use larkspur_contract::ids::AppId;

/// A challenge to be sent to a URL. It holds secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The app that owns the URL.
    pub app_id: AppId,
    /// The URL.
    pub request_url: String,
    /// The key that encrypts the challenge; `None` for plain text.
    pub encrypt_key: Option<String>,
    /// The token by which the app recognizes the challenge.
    pub verification_token: String,
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
    heard: Mutex<Option<(Question, Heard)>>,
}

impl Asking {
    /// The result of a challenge. The result of a different question does not count: another call may have changed the
    /// URL, the key or the token while the challenge was sent.
    ///
    /// # Errors
    /// There is no result yet: the operation must end with this refusal, and is run again.
    pub fn ask(&self, question: Question) -> Result<Heard, Fault> {
        if let Some((asked, heard)) = &*lock(&self.heard)
            && *asked == question
        {
            *lock(&self.question) = None;
            return Ok(heard.clone());
        }
        *lock(&self.question) = Some(question);
        Err(Fault::new(codes::INTERNAL, "the request URL was not verified yet"))
    }

    /// The challenge that is to be sent.
    pub(crate) fn question(&self) -> Option<Question> {
        lock(&self.question).take()
    }

    /// Sets the result of a question, which replaces an earlier one.
    pub(crate) fn heard(&self, question: Question, heard: Heard) {
        *lock(&self.heard) = Some((question, heard));
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
        let question = |url: &str, key: Option<&str>| Question {
            app_id: AppId(1),
            request_url: url.to_owned(),
            encrypt_key: key.map(str::to_owned),
            verification_token: "token".to_owned(),
        };
        let heard = Heard { step: Step::Challenge, status: Some(200), failure: None, took_ms: 1 };
        let asking = Asking::default();
        assert!(asking.ask(question("http://a/", None)).is_err());
        let asked = asking.question().expect("a question");
        asking.heard(asked, heard.clone());
        for other in [question("http://b/", None), question("http://a/", Some("key"))] {
            assert!(asking.ask(other.clone()).is_err());
            assert!(asking.question() == Some(other), "it is asked anew");
        }
        assert_eq!(asking.ask(question("http://a/", None)).ok(), Some(heard));
        assert!(asking.question().is_none());
    }
}
