//! Columns and parameters: BIGINT, TEXT and BYTEA.

use std::error::Error;

use bytes::BytesMut;
use larkspur_store::{Row, StoreError, Value};
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::errors::Failure;

/// A parameter, as PostgreSQL expects it.
#[derive(Debug)]
pub(crate) struct Param<'a>(&'a Value);

impl Param<'_> {
    /// Whether the type that PostgreSQL chose for a parameter fits the value.
    fn fits(&self, wanted: &Type) -> bool {
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

    // Checked by `fits` before, with the statement's text at hand.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The parameters, as the statement expects them.
pub(crate) fn fitting<'a>(
    statement: &Statement,
    sql: &str,
    params: &'a [Value],
) -> Result<Vec<Param<'a>>, Failure> {
    if statement.params().len() != params.len() {
        let (given, taken) = (params.len(), statement.params().len());
        return Err(Failure::broken(format!(
            "{given} parameters were given and it takes {taken}, in: {sql}"
        )));
    }
    for (number, (param, wanted)) in params.iter().zip(statement.params()).enumerate() {
        if !Param(param).fits(wanted) {
            let number = number + 1;
            return Err(Failure::broken(format!(
                "${number} is {wanted} and was given another type, in: {sql}"
            )));
        }
    }
    Ok(params.iter().map(Param).collect())
}

/// The rows of a result.
pub(crate) fn rows(found: &[tokio_postgres::Row], sql: &str) -> Result<Vec<Row>, Failure> {
    let rows = found.iter().map(|found| row(found, sql)).collect::<Result<_, _>>();
    rows.map_err(|error| Failure { error, lost: false })
}

/// The values of a row.
fn row(row: &tokio_postgres::Row, sql: &str) -> Result<Row, StoreError> {
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
