//! The records behind a token: tenant, installation and grant.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};

use crate::apps::{self, Install};
use crate::driver::StoreError;
use crate::tenants::{self, Tenant};
use crate::users::{self, Grant};
use crate::{Engine, Value};

/// The subject of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenSubject {
    /// The tenant that it acts in.
    pub tenant: TenantKey,
    /// The app that it was issued to.
    pub app_id: AppId,
    /// The number of the user in whose name the app acts; `None` if it acts in its own.
    pub user_no: Option<u64>,
}

/// The records behind a token.
#[derive(Debug, Clone)]
pub struct TokenRecords {
    /// The tenant that it acts in.
    pub tenant: Arc<Tenant>,
    /// The app, as installed there.
    pub install: Arc<Install>,
    /// The user's grant to the app; `None` if the token is not a user's, or there is no grant.
    pub grant: Option<Arc<Grant>>,
}

/// The most subjects in one statement.
pub const MOST: usize = 1 << 6;

/// Finds the records behind tokens with one statement. A subject is left out if its tenant does not exist or the app is
/// not installed there.
pub async fn find(
    engine: &Engine,
    subjects: &[TokenSubject],
) -> Result<HashMap<TokenSubject, TokenRecords>, StoreError> {
    // Taken before the statement starts, as in every transaction that fills memory.
    let opened = Some(engine.memory.moment());
    if subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let length = subjects.len().next_power_of_two();
    // Few statements are prepared on each connection: for 1, 2, 4, … and the most subjects, with users among them or not.
    static STATEMENTS: [[OnceLock<String>; 7]; 2] = [const { [const { OnceLock::new() }; 7] }; 2];
    let users = subjects.iter().any(|subject| subject.user_no.is_some());
    let statement = STATEMENTS[usize::from(users)]
        .get(length.ilog2() as usize)
        .ok_or_else(|| StoreError::Broken(format!("{length} subjects in one statement")))?;
    let sql = statement.get_or_init(|| {
        let wanted = wanted(length);
        let (columns, joins) = if users { USERS } else { NO_USERS };
        format!(
            "WITH wanted (tenant, app_id, user_no) AS (VALUES {wanted}) \
              SELECT tenant.tenant, tenant.name, tenant.clock_offset_ms, tenant.policy, tenant.faults, \
              a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to, \
              {columns}, wanted.user_no \
              FROM wanted JOIN tenant ON tenant.tenant = wanted.tenant \
              JOIN app_install i ON i.tenant = wanted.tenant AND i.app_id = wanted.app_id \
              JOIN app a ON a.app_id = i.app_id{joins}"
        )
    });
    let mut params = Vec::with_capacity(length * 3);
    for subject in subjects {
        let user_no = subject.user_no.map(u64::cast_signed);
        params.extend([subject.tenant.into(), subject.app_id.into(), user_no.into()]);
    }
    // Padding; matches nothing.
    params.resize(length * 3, Value::Null);
    let rows = engine.driver.query(Effect::Reads, sql, params).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for mut row in rows {
        let tenant = Arc::new(tenants::tenant(&mut row, 0)?);
        let install = Arc::new(apps::read_install(&mut row, 5)?);
        let user_no = row.int_or_null(19)?.map(i64::cast_unsigned);
        let subject = TokenSubject { tenant: tenant.tenant, app_id: install.app_id, user_no };
        engine.memory.tenants.fill(opened, subject.tenant, tenant.clone());
        engine.memory.installs.fill(opened, (subject.tenant, subject.app_id), install.clone());
        let grant = match user_no {
            Some(number) if row.0.get(17).is_some_and(|epoch| *epoch != Value::Null) => {
                let grant = Arc::new(users::read_grant(&mut row, 14)?);
                engine.memory.grants.fill(opened, (subject.tenant, subject.app_id, number), grant.clone());
                Some(grant)
            }
            _ => None,
        };
        found.insert(subject, TokenRecords { tenant, install, grant });
    }
    Ok(found)
}

/// Columns of users and their grants, and the tables that they come from.
const USERS: (&str, &str) = (
    "u.user_id, u.status, g.scopes, g.epoch, g.ended",
    " LEFT JOIN users u ON u.tenant = wanted.tenant AND u.user_no = wanted.user_no \
      LEFT JOIN user_grant g ON g.tenant = wanted.tenant AND g.app_id = i.app_id AND g.user_id = u.user_id",
);
/// The same if no token acts in a user's name.
const NO_USERS: (&str, &str) = ("NULL, NULL, NULL, NULL, NULL", "");

/// The rows `($1, $2, $3), …`, each of them a subject.
fn wanted(length: usize) -> String {
    let row = |first: usize| {
        let (second, third) = (first + 1, first + 2);
        format!("(CAST(${first} AS TEXT), CAST(${second} AS TEXT), CAST(${third} AS BIGINT))")
    };
    (0..length).map(|index| row(3 * index + 1)).collect::<Vec<_>>().join(", ")
}

/// The records from memory alone: the usual case if memory keeps anything. `effect` is that of the call: a call that
/// writes uses nothing that may be stale.
pub fn remembered(engine: &Engine, effect: Effect, subject: TokenSubject) -> Option<TokenRecords> {
    let TokenSubject { tenant, app_id, user_no } = subject;
    let memory = &engine.memory;
    let found = memory.tenants.get(&tenant, effect)?;
    let install = memory.installs.get(&(tenant, app_id), effect)?;
    let grant = match user_no {
        None => None,
        Some(number) => Some(memory.grants.get(&(tenant, app_id, number), effect)?),
    };
    Some(TokenRecords { tenant: found, install, grant })
}
