//! Interprets SQLite's errors.

use larkspur_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// The failure of a statement. `sql` is a text of the product and contains no data.
pub(crate) fn of_statement(error: &Error, sql: &str) -> StoreError {
    let broken = || StoreError::Broken(format!("{error}, in: {sql}"));
    let Some(failure) = error.sqlite_error() else {
        return broken();
    };
    match failure.code {
        ErrorCode::ConstraintViolation => match failure.extended_code {
            // Statements say ON CONFLICT DO NOTHING where a duplicate is expected. This one is not: most likely a new
            // id already exists, and a retry draws another one.
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID => StoreError::Collided,
            _ => broken(),
        },
        ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::NoLargeFileSupport => StoreError::Unavailable(error.to_string()),
        _ => broken(),
    }
}

/// The failure of a COMMIT, for every unit in it.
///
/// A failed commit did not happen, with one exception: after an I/O error its last frame may still be in the log. If
/// the process dies before the next commit overwrites it, recovery would bring it back.
pub(crate) fn of_commit(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::UnknownOutcome(error.to_string()),
        _ => StoreError::Unavailable(format!("the commit failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: i32) -> StoreError {
        of_statement(&Error::SqliteFailure(ffi::Error::new(code), None), "SELECT 1")
    }

    #[test]
    fn errors_have_meanings() {
        for code in [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY] {
            assert_eq!(meaning(code), StoreError::Collided);
        }
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
        ] {
            assert!(matches!(meaning(code), StoreError::Unavailable(_)), "{code}");
        }
        for code in [ffi::SQLITE_CONSTRAINT_NOTNULL, ffi::SQLITE_ERROR, ffi::SQLITE_MISUSE, ffi::SQLITE_RANGE]
        {
            assert!(matches!(meaning(code), StoreError::Broken(_)), "{code}");
        }
    }

    #[test]
    fn only_an_io_error_leaves_a_commit_in_doubt() {
        let commit = |code| of_commit(&Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(commit(ffi::SQLITE_IOERR | (4 << 8)), StoreError::UnknownOutcome(_)));
        assert!(matches!(commit(ffi::SQLITE_FULL), StoreError::Unavailable(_)));
    }
}
