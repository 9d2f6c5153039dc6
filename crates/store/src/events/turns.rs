//! Whose turn it is: which due rows of all tenants a worker considers.

use std::collections::HashSet;

use larkspur_contract::ids::{AppId, TenantKey};

use super::claims::{Key, Unreadable, key};
use crate::driver::StoreError;
use crate::{Root, Row, Value};

/// How many due rows are read in the order of time: at least, and per event that is requested.
const WINDOW: (usize, usize) = (512, 2);
/// The most apps that are visited in one search.
const APPS: usize = 32;
/// The most rows that are read of a visited app in each state.
const EACH: i64 = 64;

/// Rows whose claim has expired, in the order of the claims.
const ENDED: &str = "SELECT tenant, number, app_id, developer, form, attempts + steered FROM event_delivery \
                     WHERE state = 'waiting' AND lease_until > 0 AND lease_until <= $1 AND due_at <= $1 \
                     ORDER BY lease_until LIMIT CAST($2 AS BIGINT)";
/// Rows without a claim, in the order of time.
const FRESH: &str = "SELECT tenant, number, app_id, developer, form, attempts + steered FROM event_delivery \
                     WHERE state = 'waiting' AND lease_until = 0 AND due_at <= $1 \
                     ORDER BY due_at, number LIMIT CAST($2 AS BIGINT)";
/// The next app with waiting rows. The order is that of the index, so that no other index is used.
const NEXT_APP: &str = "SELECT app_id FROM event_delivery WHERE state = 'waiting' AND app_id > $1 \
                        ORDER BY app_id, lease_until, due_at, number LIMIT 1";
/// [`ENDED`] of one app.
const ENDED_OF: &str = "SELECT tenant, number, app_id, developer, form, attempts + steered FROM event_delivery \
                        WHERE state = 'waiting' AND app_id = $3 AND lease_until > 0 AND lease_until <= $1 AND due_at <= $1 \
                        ORDER BY lease_until LIMIT CAST($2 AS BIGINT)";
/// [`FRESH`] of one app.
const FRESH_OF: &str = "SELECT tenant, number, app_id, developer, form, attempts + steered FROM event_delivery \
                        WHERE state = 'waiting' AND app_id = $3 AND lease_until = 0 AND due_at <= $1 \
                        ORDER BY due_at, number LIMIT CAST($2 AS BIGINT)";

/// Due rows.
#[derive(Default)]
pub(super) struct Turns {
    pub(super) rows: Vec<Key>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Where the next search begins; empty if this one has seen every app.
    pub(super) next: String,
    /// Whether all that is due was read.
    pub(super) saw_all: bool,
    seen: HashSet<(TenantKey, i64)>,
}

impl Turns {
    /// Keeps the rows of the apps that are not left out, each once.
    fn keep(&mut self, rows: Vec<Row>, except: &HashSet<AppId>) -> Result<(), StoreError> {
        for row in rows {
            match key(row)? {
                Ok(key) if !except.contains(&key.app_id) && self.seen.insert((key.tenant, key.number)) => {
                    self.rows.push(key);
                }
                Ok(_) => {}
                Err(wrong) => {
                    let app_id = AppId::parse(&wrong.app_id);
                    if !app_id.is_some_and(|app_id| except.contains(&app_id)) {
                        self.unreadable.push(wrong);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Due rows of the apps that are not left out: at least `most`, if there are so many, unless the search goes on from
/// [`Turns::next`].
///
/// The first rows in the order of time usually do. If most of them belong to apps that are left out, the apps are visited
/// one by one, from the one after `from`: their rows are never read in order to be left out.
pub(super) async fn read(
    root: &mut Root,
    real_now: i64,
    most: usize,
    except: &HashSet<AppId>,
    from: &str,
) -> Result<Turns, StoreError> {
    let window = WINDOW.0.max(WINDOW.1 * most);
    let params: [Value; 2] = [real_now.into(), i64::try_from(window).unwrap_or(i64::MAX).into()];
    let (mut turns, mut is_full) = (Turns::default(), false);
    for sql in [ENDED, FRESH] {
        let rows = root.rows(sql, &params).await?;
        is_full |= rows.len() >= window;
        turns.keep(rows, except)?;
    }
    turns.saw_all = !is_full;
    if is_full && turns.rows.len() < most {
        visit(root, real_now, most, except, (from, &mut turns)).await?;
    }
    Ok(turns)
}

/// Adds due rows of the apps after `from`.
async fn visit(
    root: &mut Root,
    real_now: i64,
    most: usize,
    except: &HashSet<AppId>,
    (from, turns): (&str, &mut Turns),
) -> Result<(), StoreError> {
    let mut at = from.to_owned();
    for _ in 0..APPS {
        let next = root.rows(NEXT_APP, &[at.as_str().into()]).await?.into_iter().next();
        let Some(mut next) = next else { return Ok(()) };
        at = next.text(0)?;
        if AppId::parse(&at).is_some_and(|app_id| except.contains(&app_id)) {
            continue;
        }
        let params: [Value; 3] = [real_now.into(), EACH.into(), at.as_str().into()];
        for sql in [ENDED_OF, FRESH_OF] {
            let rows = root.rows(sql, &params).await?;
            turns.keep(rows, except)?;
        }
        if turns.rows.len() >= most {
            break;
        }
    }
    turns.next = at;
    Ok(())
}
