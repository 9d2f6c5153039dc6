//! The three column types, and rows of them.

use larkspur_contract::ids::{AppId, CardId, ChatId, MenuId, TabId, TagId, TenantKey, ThreadId};
use serde::{Serialize, de::DeserializeOwned};

use super::driver::StoreError;

/// A column value or a statement parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// NULL
    Null,
    /// BIGINT
    Int(i64),
    /// TEXT
    Text(String),
    /// BYTEA
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Value { fn from($value: $type) -> Value { $make } })*
    };
}
from! {
    i64 => |value| Value::Int(value);
    bool => |value| Value::Int(i64::from(value));
    &str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    Vec<u8> => |value| Value::Bytes(value);
    TenantKey => |value| Value::Text(value.to_string());
    AppId => |value| Value::Text(value.to_string());
    ChatId => |value| Value::Text(value.to_string());
    ThreadId => |value| Value::Text(value.to_string());
    TagId => |value| Value::Int(value.0);
    TabId => |value| Value::Int(value.0);
    CardId => |value| Value::Int(value.0);
    MenuId => |value| Value::Int(value.0);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn wrong(&self, column: usize, wanted: &str) -> StoreError {
        StoreError::Broken(format!("column {column} is {:?}, not {wanted}", self.0.get(column)))
    }

    /// A BIGINT column.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            _ => Err(self.wrong(column, "a number")),
        }
    }

    /// A flag: a BIGINT column that is 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.int(column).map(|value| value != 0)
    }

    /// A TEXT column, moved out of the row.
    pub fn text(&mut self, column: usize) -> Result<String, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Ok(std::mem::take(value)),
            _ => Err(self.wrong(column, "text")),
        }
    }

    /// A TEXT column that may be NULL, moved out of the row.
    pub fn text_or_null(&mut self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) => Ok(Some(std::mem::take(value))),
            _ => Err(self.wrong(column, "text or NULL")),
        }
    }

    /// A BIGINT column that may be NULL.
    pub fn int_or_null(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            _ => Err(self.wrong(column, "a number or NULL")),
        }
    }

    /// A BYTEA column, moved out of the row.
    pub fn bytes(&mut self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Bytes(value)) => Ok(std::mem::take(value)),
            _ => Err(self.wrong(column, "bytes")),
        }
    }

    /// A TEXT column that contains an id, parsed by `parse`.
    pub fn id<T>(&mut self, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text)
            .ok_or_else(|| StoreError::Broken(format!("column {column} holds the malformed id {text:?}")))
    }
}

/// Reads a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Broken(format!("a JSON column: {error}")))
}

/// Writes a JSON column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(format!("a JSON column: {error}")))
}
