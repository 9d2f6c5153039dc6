//! A transaction of one tenant.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Effect, EventType};

use super::driver::{BoxFuture, Hook, Session, StoreError};
use super::engine::Engine;
use super::root::Root;
use super::value::{Row, Value};
use super::work::{Emitted, Scoped, Shared, Uuid, Work};
use crate::memory::Moment;
use crate::notices::Notice;

/// A transaction of one tenant: every statement's `$1` is that tenant.
///
/// It remembers a failed statement: code that ignores the error still cannot commit.
pub struct Tx {
    session: Box<dyn Session>,
    engine: Arc<Engine>,
    tenant: TenantKey,
    tenant_text: String,
    opened: Opened,
    shared: Arc<Shared>,
    at_end: Vec<AtEnd>,
}

/// A write at the end of an operation.
type AtEnd = Box<dyn for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<(), StoreError>> + Send>;

/// The moment at which a transaction opened, if it only reads. It decides what the transaction may store in memory.
///
/// A writing transaction sees rows that may never be committed, its own and those of others in the same batch.
pub(crate) type Opened = Option<Moment>;

pub(crate) fn opened(engine: &Engine, effect: Effect) -> Opened {
    (effect == Effect::Reads).then(|| engine.memory.moment())
}

impl Tx {
    /// Wraps a driver's session.
    pub fn new(session: Box<dyn Session>, engine: Arc<Engine>, tenant: TenantKey, effect: Effect) -> Self {
        let opened = opened(&engine, effect);
        Tx::within(session, engine, tenant, opened, Arc::default())
    }

    pub(crate) fn within(
        session: Box<dyn Session>,
        engine: Arc<Engine>,
        tenant: TenantKey,
        opened: Opened,
        shared: Arc<Shared>,
    ) -> Self {
        Tx { session, engine, tenant, tenant_text: tenant.to_string(), opened, shared, at_end: Vec::new() }
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantKey {
        self.tenant
    }

    /// The store that this runs on.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The moment at which this transaction opened, if it may fill memory with what it reads.
    pub(crate) fn may_fill(&self) -> Opened {
        self.opened
    }

    /// Whether this transaction may write: then it may not use memory that may be stale.
    pub(crate) fn effect(&self) -> Effect {
        if self.opened.is_some() { Effect::Reads } else { Effect::Writes }
    }

    /// A new snowflake.
    ///
    /// While this process has no node number, there is none, and the transaction fails as if a statement had failed.
    pub fn next_id(&self) -> i64 {
        self.engine.ids.snowflake().unwrap_or_else(|| {
            let why = "this server holds no node number now, so it makes no ids";
            let _ = self.shared.failed.set(StoreError::Unavailable(why.to_owned()));
            0
        })
    }

    /// A new random id.
    pub fn random_id(&self) -> u128 {
        self.engine.ids.random()
    }

    /// Registers a write for the end of an operation that succeeds. A refused operation does not run it.
    pub(crate) fn at_end(
        &mut self,
        write: impl for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<(), StoreError>> + Send + 'static,
    ) {
        self.at_end.push(Box::new(write));
    }

    /// Runs the writes registered for the end of a successful operation, in order.
    ///
    /// # Errors
    /// The transaction must not commit.
    pub async fn settle(&mut self) -> Result<(), StoreError> {
        for write in std::mem::take(&mut self.at_end) {
            write(self).await?;
        }
        Ok(())
    }

    /// Fails if any statement failed, even if its error was ignored: such a transaction must not commit.
    pub fn outcome(&self) -> Result<(), StoreError> {
        self.shared.failed.get().cloned().map_or(Ok(()), Err)
    }

    /// What this transaction read has changed: it is retried, even if the error is ignored.
    pub(crate) fn collided(&self) -> StoreError {
        let _ = self.shared.failed.set(StoreError::Collided);
        StoreError::Collided
    }

    /// Runs a statement: `$1` is the tenant, `$2…` are `params`.
    pub(crate) async fn rows<const N: usize>(
        &mut self,
        sql: &str,
        params: [Value; N],
    ) -> Result<Vec<Row>, StoreError> {
        self.rows_of(sql, params.into()).await
    }

    /// As [`Tx::rows`], for a variable number of parameters.
    pub(crate) async fn rows_of(&mut self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        debug_assert!(sql.contains("$1"), "every statement names the tenant: {sql}");
        let all = self.with_tenant(sought(sql, params));
        self.shared.counted();
        let result = self.session.query(sql, &all).await;
        self.noted(result)
    }

    /// As [`Tx::rows`], for reads of rows that operations which only add never write: such an operation may run it.
    pub(crate) async fn look_up<const N: usize>(
        &mut self,
        sql: &str,
        params: [Value; N],
    ) -> Result<Vec<Row>, StoreError> {
        self.look_up_of(sql, params.into()).await
    }

    /// As [`Tx::look_up`], for a variable number of parameters.
    pub(crate) async fn look_up_of(&mut self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        debug_assert!(sql.contains("$1"), "every statement names the tenant: {sql}");
        let all = self.with_tenant(sought(sql, params));
        self.shared.counted();
        let result = self.session.look_up(sql, &all).await;
        self.noted(result)
    }

    /// Records that an event was written for an app.
    pub(crate) fn wrote_event(&mut self, event: Emitted) {
        let notice = Notice::Delivery(event.number);
        self.shared.emitted(event);
        self.notify(notice);
    }

    /// What waits of an app comes before new events of it.
    pub(crate) fn close_lane(&mut self, app_id: AppId) {
        if let Some(closing) = self.engine.lanes.close(app_id) {
            self.on_commit(|| {}, move || drop(closing));
        }
    }

    /// Tells those who watch the tenant what changed, after the commit.
    pub(crate) fn notify(&mut self, notice: Notice) {
        let (engine, tenant) = (self.engine.clone(), self.tenant);
        self.on_commit(|| {}, move || engine.notices.tell(tenant, notice));
    }

    /// Tells those who watch the tenant which deliveries changed, after the commit.
    pub(crate) fn notify_deliveries(&mut self, numbers: &[i64]) {
        for number in numbers {
            self.notify(Notice::Delivery(*number));
        }
    }

    /// Records whether the `uuid` of the call is new.
    pub fn named(&mut self, uuid: Uuid) {
        self.shared.named(uuid);
    }

    /// Records that a callback of this type was sent for this transaction.
    pub fn called_back(&mut self, kind: &'static EventType, app_id: AppId) {
        self.shared.emitted(Emitted { kind, app_id, number: 0 });
    }

    /// Records which scopes an event needed to reach an app, and whether the app has one.
    pub fn scoped(&mut self, event: Scoped) {
        self.shared.scoped(event);
    }

    /// What this transaction did.
    pub fn work(&self) -> Work {
        self.shared.work()
    }

    /// Whether no app is told of what happens in this transaction.
    pub fn is_silent(&self) -> bool {
        self.shared.silent.load(Ordering::Relaxed)
    }

    /// Adds a row: `VALUES ($1, …)` with the tenant and `row`, and `RETURNING` some of these columns from the first on. Tells
    /// whether it was added; that it was not must then be said by an `ON CONFLICT`.
    pub(crate) async fn insert(&mut self, sql: &str, row: Vec<Value>) -> Result<bool, StoreError> {
        let all = self.with_tenant(row);
        self.shared.counted();
        let result = self.session.insert(sql, all).await;
        self.noted(result)
    }

    /// Waits until no other unit of the tenant writes, and keeps them out until this transaction ends.
    pub(crate) async fn keep_others_out(&mut self) -> Result<(), StoreError> {
        let result = self.session.keep_out(self.tenant).await;
        self.noted(result)
    }

    fn with_tenant(&self, params: Vec<Value>) -> Vec<Value> {
        let mut all = Vec::with_capacity(params.len() + 1);
        all.push(Value::Text(self.tenant_text.clone()));
        all.extend(params);
        all
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| {
            let _ = self.shared.failed.set(error.clone());
        })
    }

    /// As [`Tx::rows`], for statements that return at most one row.
    pub(crate) async fn row<const N: usize>(
        &mut self,
        sql: &str,
        params: [Value; N],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// Registers what must happen to memory around the commit.
    pub(crate) fn on_commit(
        &mut self,
        before: impl FnOnce() + Send + 'static,
        after: impl FnOnce() + Send + 'static,
    ) {
        self.session.on_commit(Hook { before: Box::new(before), after: Box::new(after) });
    }

    /// Invalidates memory around the commit: before it, and again after it, for readers that opened in between.
    pub(crate) fn forget(&mut self, what: impl Fn(&Engine) + Clone + Send + 'static) {
        let (engine, again) = (self.engine.clone(), what.clone());
        let later = engine.clone();
        self.on_commit(move || what(&engine), move || again(&later));
    }

    /// The same transaction, not bound to the tenant, for the few look-ups outside of it.
    pub(crate) fn root(&self) -> Root {
        Root::within(self.session.share(), self.engine.clone(), self.opened, self.shared.clone())
    }
}

/// What a SELECT looks for. No row has a text with U+0000, and PostgreSQL refuses one as a parameter. NULL in its place equals
/// no row, either.
fn sought(sql: &str, mut params: Vec<Value>) -> Vec<Value> {
    if sql.starts_with("SELECT") {
        for value in &mut params {
            if matches!(value, Value::Text(text) if text.contains('\0')) {
                *value = Value::Null;
            }
        }
    }
    params
}

/// The most values or rows in a list of one statement; longer lists are split.
pub(crate) const PIECE: usize = 64;

/// `,($1,$5,$6),($1,$7,$8),…`: the rows after one that is written out. That one has the `first` parameter and others up
/// to `width`, after the `same` ones that all rows share. The last row is repeated up to a round number, as in
/// [`in_list`].
pub(crate) fn more_rows(same: &str, first: usize, width: usize, values: &mut Vec<Value>) -> String {
    let rows = (values.len() / width).max(1);
    let last = values[values.len().saturating_sub(width)..].to_vec();
    for _ in rows..rows.next_power_of_two() {
        values.extend_from_slice(&last);
    }
    let mut text = String::new();
    for index in width..values.len() {
        match index % width {
            0 => text.extend([",(", same]),
            _ => text.push(','),
        }
        text.push('$');
        text.push_str(&(first + index).to_string());
        if index % width == width - 1 {
            text.push(')');
        }
    }
    text
}

/// `(VALUES (CAST($3 AS TEXT)),($4),…) w` for a list that starts at parameter `first`, to look rows up one by one:
/// `FROM {wanted} LEFT JOIN tag ON tag.tenant = $1 AND tag.tag_id = w.column1`. A value without a row gives NULL
/// columns, which [`found_rows`] drops. `kind` is the type of the column.
///
/// An `IN` finds the same rows. But if PostgreSQL believes that the tenant is small, it reads all of the tenant's rows
/// and compares each with the list; an outer join can only be read from its left side.
pub(crate) fn wanted(first: usize, kind: &str, values: &mut Vec<Value>) -> String {
    let length = values.len().max(1).next_power_of_two();
    values.resize(length, Value::Null);
    let mut text = format!("(VALUES (CAST(${first} AS {kind}))");
    for index in 1..length {
        text.push_str(",($");
        text.push_str(&(first + index).to_string());
        text.push(')');
    }
    text.push_str(") w");
    text
}

/// The rows of an outer join that matched: their first column is not NULL.
pub(crate) fn found_rows(rows: Vec<Row>) -> impl Iterator<Item = Row> {
    rows.into_iter().filter(|row| row.0.first().is_some_and(|first| *first != Value::Null))
}

/// `($3,$4,…)` for a list that starts at parameter `first`. The last value is repeated up to a round length, so that
/// few different statements are prepared. The list must not be empty.
pub(crate) fn in_list(first: usize, values: &mut Vec<Value>) -> String {
    let last = values.last().cloned().unwrap_or(Value::Null);
    let length = values.len().max(1).next_power_of_two();
    values.resize(length, last);
    let mut text = String::with_capacity(length * 5 + 2);
    for index in 0..length {
        text.push(if index == 0 { '(' } else { ',' });
        text.push('$');
        text.push_str(&(first + index).to_string());
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_a_null_character_is_looked_for_as_null() {
        let params = || vec![Value::from("a\0"), Value::from("a"), Value::Bytes(vec![0])];
        let expected = vec![Value::Null, Value::from("a"), Value::Bytes(vec![0])];
        assert_eq!(sought("SELECT 1 FROM image WHERE tenant = $1 AND image_key = $2", params()), expected);
        assert_eq!(
            sought("INSERT INTO image VALUES ($1, $2)", params()),
            params(),
            "nothing is lost silently"
        );
    }

    #[test]
    fn lists_have_few_lengths_and_end_with_what_they_ended_with() {
        let ints = |numbers: &[i64]| numbers.iter().copied().map(Value::Int).collect::<Vec<_>>();
        let mut values = ints(&[1, 2, 3]);
        assert_eq!(in_list(3, &mut values), "($3,$4,$5,$6)");
        assert_eq!(values, ints(&[1, 2, 3, 3]));
        let mut values = ints(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(more_rows("$1,", 4, 2, &mut values), ",($1,$6,$7),($1,$8,$9),($1,$10,$11)");
        assert_eq!(values, ints(&[1, 2, 3, 4, 5, 6, 5, 6]));
        let mut values = ints(&[1, 2, 3]);
        assert_eq!(wanted(2, "BIGINT", &mut values), "(VALUES (CAST($2 AS BIGINT)),($3),($4),($5)) w");
        assert_eq!(values[3..], [Value::Null]);
        let mut values = ints(&[1]);
        assert_eq!(more_rows("", 2, 1, &mut values), "");
        assert_eq!(values, ints(&[1]));
    }
}
