//! Interprets PostgreSQL's errors. The only place that reads an SQLSTATE.

use std::error::Error as _;
use std::io;

use larkspur_contract::Effect;
use larkspur_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// The meaning of a failure, and whether its connection is still usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// The connection must be dropped, and so must those in the pool: their server is stopping or gone.
    pub(crate) lost: bool,
}

impl Failure {
    pub(crate) fn broken(why: String) -> Self {
        Failure { error: StoreError::Broken(why), lost: false }
    }

    pub(crate) fn lost(why: String) -> Self {
        Failure { error: StoreError::Unavailable(why), lost: true }
    }
}

/// The failure of a statement. `sql` is a text of the product and contains no data.
pub(crate) fn of_statement(error: &Error, effect: Effect, sql: &str) -> Failure {
    if let Some(error) = error.as_db_error() {
        return of_answer(error, effect, sql);
    }
    if is_lost(error) {
        Failure::lost(format!("the connection was lost: {}", with_source(error)))
    } else {
        Failure::broken(format!("{}, in: {sql}", with_source(error)))
    }
}

/// The failure of a BEGIN: the connection is unusable, unless a tenant's lock was not granted in time. What was sent after it
/// had no effect.
pub(crate) fn of_begin(error: &Error) -> Failure {
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return Failure { error: StoreError::Unavailable(with_source(error)), lost: false };
    }
    Failure::lost(format!("no transaction was begun: {}", with_source(error)))
}

/// The failure of a COMMIT. An error that PostgreSQL answers has undone the transaction. Anything else, such as the end
/// of the connection or of the server, leaves the outcome unknown.
pub(crate) fn of_commit(error: &Error) -> Failure {
    match error.as_db_error() {
        Some(answer) if answer.parsed_severity() == Some(Severity::Error) && !ends(answer.code()) => {
            of_answer(answer, Effect::Writes, "COMMIT")
        }
        _ => in_doubt(with_source(error)),
    }
}

/// A commit without an answer.
pub(crate) fn in_doubt(why: String) -> Failure {
    Failure { error: StoreError::UnknownOutcome(why), lost: true }
}

/// Whether a failure says that the server's disk is full.
pub(crate) fn is_no_room(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why.ends_with("(53100)"))
}

/// Why no connection could be opened, for people.
pub(crate) fn of_connecting(error: &Error) -> StoreError {
    StoreError::Unavailable(format!("cannot connect to PostgreSQL: {}", with_source(error)))
}

/// The failure of the first connection, with advice for the operator.
pub(crate) fn at_start(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!("{why}: {ADVICE}")),
        other => other,
    }
}

const ADVICE: &str = "see that a primary runs there and lets this machine in, and that hosts, user, password and database of the \
     address, and postgres.tls, are right";

/// Whether a host answered but refuses writes. The words are the client library's.
pub(crate) fn is_unwritable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why.contains("does not allow writes"))
}

fn is_lost(error: &Error) -> bool {
    error.is_closed() || error.source().is_some_and(|source| source.is::<io::Error>())
}

fn with_source(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(answer), _) => format!("{} ({})", answer.message(), answer.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Whether this SQLSTATE says that the connection or its server is ending.
fn ends(code: &SqlState) -> bool {
    // 57P01 to 57P05: shutdown, crash, startup, database dropped, idle for too long; 25P03: idle in a transaction for
    // too long; class 08: the connection itself; class 58: the server's own files.
    ["57P", "25P03", "08", "58"].iter().any(|start| code.code().starts_with(start))
}

fn of_answer(answer: &DbError, effect: Effect, sql: &str) -> Failure {
    meaning(answer.code(), answer.routine(), answer.message(), effect, sql)
}

fn meaning(code: &SqlState, routine: Option<&str>, message: &str, effect: Effect, sql: &str) -> Failure {
    let text = format!("{message} ({})", code.code());
    match code.code() {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Failure { error: StoreError::Collided, lost: false },
        // Statements say ON CONFLICT DO NOTHING where a duplicate is expected. This one is not: most likely a new id
        // already exists, and a retry draws another one.
        "23505" => Failure { error: StoreError::Collided, lost: false },
        // A migration changed a table under a prepared statement: a new connection prepares it again.
        "0A000" if routine == Some("RevalidateCachedQuery") => {
            Failure { error: StoreError::Collided, lost: true }
        }
        "25006" if effect == Effect::Reads => {
            Failure::broken(format!("a unit that only reads may not write, in: {sql}"))
        }
        // The server was the primary when the connection was opened, and no longer is.
        "25006" => Failure::lost(text),
        _ if ends(code) => Failure::lost(text),
        // The operator can fix this without a restart.
        "42501" => Failure {
            error: StoreError::Unavailable(format!(
                "{text}: the role in the URL lacks this right, in: {sql}"
            )),
            lost: false,
        },
        // Resources (disk full, memory, connections), a timeout set by an operator, or a lock not granted in time.
        state if state.starts_with("53") || state == "57014" || state == "55P03" => {
            Failure { error: StoreError::Unavailable(text), lost: false }
        }
        _ => Failure::broken(format!("{text}, in: {sql}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, effect: Effect) -> Failure {
        meaning(&SqlState::from_code(code), None, "no", effect, "TABLE t")
    }

    #[test]
    fn errors_have_meanings() {
        for code in ["40001", "40P01", "23505"] {
            assert_eq!(
                of(code, Effect::Writes),
                Failure { error: StoreError::Collided, lost: false },
                "{code}"
            );
        }
        for code in ["57P01", "57P02", "57P03", "57P05", "25P03", "08006", "58030", "25006"] {
            let failure = of(code, Effect::Writes);
            assert!(failure.lost && matches!(failure.error, StoreError::Unavailable(_)), "{code}");
        }
        for code in ["53100", "53200", "53300", "57014", "55P03", "42501"] {
            let failure = of(code, Effect::Writes);
            assert!(!failure.lost && matches!(failure.error, StoreError::Unavailable(_)), "{code}");
        }
        for code in ["42601", "42P01", "23502", "22021", "0A000", "XX000", "25P02"] {
            let failure = of(code, Effect::Writes);
            assert!(!failure.lost && matches!(failure.error, StoreError::Broken(_)), "{code}");
        }
        assert!(matches!(of("25006", Effect::Reads).error, StoreError::Broken(_)));
    }

    #[test]
    fn a_full_disk_is_distinguished_from_other_reasons() {
        assert!(is_no_room(&of("53100", Effect::Writes).error));
        assert!(!is_no_room(&of("53200", Effect::Writes).error));
        assert!(!is_no_room(&of("42P01", Effect::Writes).error));
    }

    #[test]
    fn a_statement_made_stale_by_a_migration_is_prepared_again() {
        let code = SqlState::from_code("0A000");
        let failure = meaning(&code, Some("RevalidateCachedQuery"), "no", Effect::Reads, "TABLE t");
        assert_eq!(failure, Failure { error: StoreError::Collided, lost: true });
    }
}
