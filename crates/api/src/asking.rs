//! The question to a request address that an operation needs answered before it can go on.
//!
//! An operation runs inside a transaction, where nothing may wait for the network. So it leaves its question here and refuses
//! the call; its transaction ends. The gateway asks the address and runs the operation again, which finds the answer.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use larkspur_contract::Fault;
use larkspur_contract::codes;
use larkspur_contract::ids::AppId;

/// A question to an address: whether it wants what is posted to it. It holds secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The app whose address it is.
    pub app_id: AppId,
    /// The address.
    pub request_url: String,
    /// What the question is encrypted with; `None` for plain text.
    pub encrypt_key: Option<String>,
    /// What the app recognizes the question by.
    pub verification_token: String,
}

/// What was heard from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How far it went.
    pub step: Step,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed at this step; `None` if all steps succeeded.
    pub failure: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The steps of a question, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The name of the host is looked up.
    Resolve,
    /// A connection is opened.
    Connect,
    /// The connection is encrypted.
    Encrypt,
    /// An answer comes in time.
    Answer,
    /// It has the status 200.
    Status,
    /// It holds the challenge that was sent.
    Challenge,
}

impl Step {
    /// Every step, in their order.
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
    heard: OnceLock<Heard>,
}

impl Asking {
    /// The answer to a question.
    ///
    /// # Errors
    /// It is still to be asked: the operation must end with this refusal, and is run again.
    pub fn ask(&self, question: Question) -> Result<&Heard, Fault> {
        self.heard.get().ok_or_else(|| {
            *self.question.lock().unwrap_or_else(PoisonError::into_inner) = Some(question);
            Fault::new(codes::INTERNAL, "the request address is still to be asked")
        })
    }

    /// The question that is still to be asked.
    pub(crate) fn question(&self) -> Option<Question> {
        match self.heard.get() {
            Some(_) => None,
            None => self.question.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }

    /// Tells the answer, once.
    pub(crate) fn heard(&self, heard: Heard) {
        let _ = self.heard.set(heard);
    }
}

/// Shows no secret.
impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("heard", &self.heard).finish_non_exhaustive()
    }
}
