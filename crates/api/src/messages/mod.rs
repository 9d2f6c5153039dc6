//! What the operations of messages have in common, for callers with a token and for people at their clients.

use larkspur_contract::{Fault, codes};

pub mod batching;
pub mod building;
pub mod changing;
pub mod clicking;
pub mod conditions;
pub(crate) mod explained;
pub mod finding;
pub mod forwarding;
pub mod hooks;
pub mod pinning;
pub mod reacting;
pub mod read;
pub mod receiver;
pub mod searching;
pub mod sending;
pub mod shown;
pub mod speaker;
pub mod standing;
pub mod urging;

/// The behaviors of every operation that sends messages, and some more.
macro_rules! sending_behaviours {
    ($($more:expr),*) => {
        &[
            $crate::messages::standing::ORDER,
            $crate::messages::standing::SPEAKING,
            $crate::messages::conditions::CONDITIONS,
            $crate::messages::sending::REPEATED,
            $crate::messages::sending::LIMIT,
            $crate::messages::sending::ACTIVITY,
            $crate::messages::sending::THREADS,
            $crate::messages::building::MENTIONS,
            $crate::messages::building::ENTITIES,
            $crate::messages::building::REVIEW,
            $crate::messages::building::SHARED,
            $crate::rules::content::TEXTS,
            $crate::rules::content::MENTIONS,
            $crate::rules::content::POSTS,
            $crate::rules::content::MARKDOWN,
            $crate::rules::content::CONTENT_V2,
            $crate::rules::content::DIVIDERS,
            $crate::rules::card::UNKNOWN_ELEMENTS,
            $crate::rules::card::LIMITS,
            $crate::rules::card::TEMPLATES,
            $crate::rules::card::SHOWN,
            $crate::messages::shown::OBJECT,
            $crate::messages::shown::POSITIONS,
            $crate::events::message_receive::HEARD,
            $($more),*
        ]
    };
}
pub(crate) use sending_behaviours;

pub use shown::{Shown, Viewer};
pub use speaker::Speaker;

/// 230001 with one of the platform's causes.
pub fn invalid(cause: impl Into<String>) -> Fault {
    let cause = cause.into();
    Fault::new(codes::MESSAGE_INVALID, cause.clone()).with_cause(cause)
}

/// 230001 for a field whose value means nothing: `invalid <field>`.
pub fn invalid_field(field: &str, value: &str) -> Fault {
    let cause = format!("invalid {field}");
    invalid(cause.clone()).with_violation(field, Some(value), &cause)
}

/// The beginning of a text of the request, for the log: 64 characters.
pub fn cut(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}
