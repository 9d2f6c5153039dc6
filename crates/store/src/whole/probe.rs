//! Checks that the store can be written to, by writing.

use std::sync::Arc;

use larkspur_contract::Effect;

use crate::clock::system_millis;
use crate::driver::StoreError;
use crate::{Engine, Value};

/// The size of the row if no other process uses the store, in bytes: a disk without room for it has no room for calls.
/// On a server a short row suffices, since the driver reports a full disk.
const BYTES: usize = 16 << 10;

/// Writes one row, always the same one.
///
/// # Errors
/// Why nothing can be written.
pub async fn write(engine: &Arc<Engine>) -> Result<(), StoreError> {
    let mut text = system_millis().to_string();
    if !engine.driver.is_shared() {
        text.extend(std::iter::repeat_n('.', BYTES));
    }
    let sql = "INSERT INTO meta (name, value) VALUES ('probed_at', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    engine.driver.query(Effect::Writes, sql, vec![Value::from(text)]).await.map(drop)
}
