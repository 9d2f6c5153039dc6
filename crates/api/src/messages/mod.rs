//! What the operations of messages have in common, for callers with a token and for people at their clients.

use larkspur_contract::{Fault, codes};

pub mod building;
pub mod changing;
pub mod finding;
pub mod pinning;
pub mod reacting;
pub mod read;
pub mod receiver;
pub mod sending;
pub mod shown;
pub mod speaker;
pub mod standing;

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
