//! The state of a store, found without changing it.

use std::sync::Arc;

use larkspur_contract::Effect;

use crate::driver::{Driver, StoreError, run, run_statement};
use crate::whole::migrate::{self, COMPATIBLE, COPYING, KEY, SCHEMA_VERSION, VERSION};

/// How the schema of a store relates to this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// There are no tables.
    Absent,
    /// An older one, which can be migrated.
    Older(usize),
    /// This program's.
    Same,
    /// A newer one that this program can serve, since it only adds.
    Newer(usize),
    /// A newer one that this program cannot serve.
    TooNew(usize),
}

impl Schema {
    /// Compares a schema with this program's, given what the store says of older programs.
    pub(crate) fn of(applied: usize, compatible_since: Option<usize>) -> Self {
        match applied {
            0 => Schema::Absent,
            SCHEMA_VERSION => Schema::Same,
            older if older < SCHEMA_VERSION => Schema::Older(older),
            newer if compatible_since.is_some_and(|since| since <= SCHEMA_VERSION) => Schema::Newer(newer),
            newer => Schema::TooNew(newer),
        }
    }
}

/// The state of a store.
#[derive(Clone, PartialEq, Eq)]
pub struct State {
    /// Its schema.
    pub schema: Schema,
    /// Whether a copy into it was started and did not finish.
    pub copying: bool,
    /// Whether it has tables of Larkspur, but not the one with their schema's version.
    pub headless: bool,
    pub(crate) master: Option<String>,
}

impl State {
    /// The master key of a store that this program can serve as it is; `None` if it must be migrated first.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the reason, for the operator: no program, or not this one, may serve it.
    pub(crate) fn served(self) -> Result<Option<String>, StoreError> {
        match self.fault() {
            Some(why) => Err(refused(why)),
            None if matches!(self.schema, Schema::Same | Schema::Newer(_)) => Ok(self.master),
            None => Ok(None),
        }
    }

    /// Why no program, or not this one, may serve the store; `None` if it may be served, perhaps after a migration.
    pub fn fault(&self) -> Option<String> {
        if let Schema::TooNew(schema) = self.schema {
            return Some(format!(
                "the data has schema {schema} and this program knows schema {SCHEMA_VERSION}: start a newer release of larkspur on it"
            ));
        }
        if self.headless {
            return Some(META_LOST.to_owned());
        }
        if self.copying {
            return Some("an unfinished copy into it exists: run `larkspur copy` again".to_owned());
        }
        (self.schema != Schema::Absent && self.master.is_none()).then(|| KEY_LOST.to_owned())
    }
}

/// The error for a store that cannot be opened as it is; retrying does not help.
pub(crate) fn refused(why: String) -> StoreError {
    StoreError::Refused(why)
}

/// Why a store that lost its key does not get a new one.
const KEY_LOST: &str = "the master key is lost: the table meta has no row master_key. Tokens, app secrets and open_ids were \
     made with it, so no new one is put in its place: restore a backup, or put that row back from one";

const META_LOST: &str = "the table meta is lost, and with it the master key, with which tokens, app secrets and open_ids were \
     made. No new one is put in its place: restore a backup, or put that table back from one";

/// Reads the state of a store. It is not changed; the right to read its tables is enough.
///
/// # Errors
/// The store is unavailable, or its schema version is not a number.
pub async fn look(driver: &Arc<dyn Driver>) -> Result<State, StoreError> {
    let read = run(&**driver, Effect::Reads, |session| {
        Box::pin(async move {
            let version = migrate::read(session, VERSION).await?;
            let since = migrate::read(session, COMPATIBLE).await?;
            let copying = migrate::read(session, COPYING).await?;
            Ok((version, since, copying, migrate::read(session, KEY).await?))
        })
    });
    let (version, since, copying, master) = match read.await {
        Ok(found) => found,
        // The table `meta` does not exist: other failures have errors of their own.
        Err(StoreError::Broken(_)) => (None, None, None, None),
        Err(error) => return Err(error),
    };
    let headless = version.is_none() && has_tenants(driver).await?;
    let applied = version.map_or(Ok(0), |version| migrate::number(&version))?;
    Ok(State {
        schema: Schema::of(applied, since.and_then(|since| since.parse().ok())),
        copying: copying.is_some(),
        headless,
        master: master.filter(|master| !master.is_empty()),
    })
}

/// Whether the first table of the migrations exists.
async fn has_tenants(driver: &Arc<dyn Driver>) -> Result<bool, StoreError> {
    match run_statement(&**driver, Effect::Reads, "SELECT 1 FROM tenant LIMIT 1", Vec::new()).await {
        Ok(_) => Ok(true),
        Err(StoreError::Broken(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(schema: Schema, copying: bool, master: Option<&str>) -> State {
        State { schema, copying, headless: false, master: master.map(str::to_owned) }
    }

    #[test]
    fn schemas_relate() {
        let newer = SCHEMA_VERSION + 2;
        for (applied, since, schema) in [
            (0, None, Schema::Absent),
            (SCHEMA_VERSION - 1, None, Schema::Older(SCHEMA_VERSION - 1)),
            (SCHEMA_VERSION, Some(1), Schema::Same),
            (newer, Some(SCHEMA_VERSION), Schema::Newer(newer)),
            (newer, Some(SCHEMA_VERSION + 1), Schema::TooNew(newer)),
            (newer, None, Schema::TooNew(newer)),
        ] {
            assert_eq!(Schema::of(applied, since), schema);
        }
    }

    #[test]
    fn a_store_that_cannot_be_served_is_reported() {
        assert_eq!(state(Schema::Same, false, Some("k")).served(), Ok(Some("k".to_owned())));
        assert_eq!(state(Schema::Newer(99), false, Some("k")).served(), Ok(Some("k".to_owned())));
        assert_eq!(state(Schema::Absent, false, None).served(), Ok(None));
        assert_eq!(state(Schema::Older(3), false, Some("k")).served(), Ok(None));
        for (wrong, part) in [
            (state(Schema::Same, false, None), "master key is lost"),
            (state(Schema::Older(3), false, None), "master key is lost"),
            (state(Schema::Same, true, Some("k")), "larkspur copy"),
            (state(Schema::TooNew(99), false, Some("k")), "a newer release"),
        ] {
            let why = wrong.served().expect_err(part).to_string();
            assert!(why.contains(part), "{why}");
        }
    }
}
