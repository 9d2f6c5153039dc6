//! Columns and parameters: BIGINT, TEXT and BYTEA.

use std::error::Error;

use bytes::BytesMut;
use larkspur_store::{Row, StoreError, Value};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A parameter as PostgreSQL takes it.
#[derive(Debug)]
pub(crate) struct Param<'a>(pub(crate) &'a Value);

impl Param<'_> {
    /// Whether the type that PostgreSQL chose for a parameter can hold the value.
    pub(crate) fn fits(&self, wanted: &Type) -> bool {
        match self.0 {
            Value::Null => true,
            Value::Int(_) => *wanted == Type::INT8,
            Value::Text(_) => *wanted == Type::TEXT,
            Value::Bytes(_) => *wanted == Type::BYTEA,
        }
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(wanted, out),
            Value::Text(value) => value.to_sql(wanted, out),
            Value::Bytes(value) => value.to_sql(wanted, out),
        }
    }

    // Looked at by `fits` before, with the statement's text at hand.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The values of a row.
pub(crate) fn row(row: &tokio_postgres::Row, sql: &str) -> Result<Row, StoreError> {
    let values =
        row.columns().iter().enumerate().map(|(index, column)| value(row, index, column.type_(), sql));
    Ok(Row(values.collect::<Result<_, _>>()?))
}

fn value(row: &tokio_postgres::Row, index: usize, found: &Type, sql: &str) -> Result<Value, StoreError> {
    match *found {
        Type::INT8 => get::<i64>(row, index, sql).map(Value::from),
        // Only literals and flags have these types: columns are BIGINT.
        Type::INT4 => get::<i32>(row, index, sql).map(|value| value.map(i64::from).into()),
        Type::BOOL => get::<bool>(row, index, sql).map(Value::from),
        Type::TEXT | Type::VARCHAR | Type::NAME => get::<String>(row, index, sql).map(Value::from),
        Type::BYTEA => get::<Vec<u8>>(row, index, sql).map(Value::from),
        _ => Err(StoreError::Broken(format!("column {index} is {found}, which needs a CAST, in: {sql}"))),
    }
}

fn get<'a, T: FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    index: usize,
    sql: &str,
) -> Result<Option<T>, StoreError> {
    row.try_get(index).map_err(|error| StoreError::Broken(format!("column {index}: {error}, in: {sql}")))
}
