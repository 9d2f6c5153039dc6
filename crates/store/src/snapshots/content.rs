//! The rows of a tenant, as they are read, and as lines of JSON.
//!
//! A line with an object names a table and its columns; the lines with lists after it are its rows.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::held::{Cells, Held, held};
use crate::Value;
use crate::driver::StoreError;

/// The rows of one table, in the order of their keys.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) table: &'static Held,
    pub(crate) rows: Vec<Cells>,
}

/// The rows of a tenant: the tables that have any.
#[derive(Debug, Default)]
pub(crate) struct Content(pub(crate) Vec<Rows>);

impl Content {
    /// The rows of a table.
    pub(crate) fn of(&self, name: &str) -> &[Cells] {
        let found = self.0.iter().find(|rows| rows.table.name == name);
        found.map(|rows| rows.rows.as_slice()).unwrap_or_default()
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|rows| rows.rows.len()).sum()
    }

    /// Empties the columns with secrets: those that are sealed, and hashes.
    pub(crate) fn leave_secrets_out(&mut self) {
        for Rows { table, rows } in &mut self.0 {
            for at in (0..table.columns.len()).filter(|at| is_secret(&table.columns[*at])) {
                for cell in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
                    *cell = "".into();
                }
            }
        }
    }

    /// Resets the columns with the work of servers in progress, as when a state is saved.
    pub(crate) fn leave_work_out(&mut self) {
        for Rows { table, rows } in &mut self.0 {
            table.leave_work_out(rows);
        }
    }

    fn sort(&mut self) {
        for Rows { table, rows } in &mut self.0 {
            rows.sort_by(|one, other| table.order(one, other));
        }
    }
}

/// Whether a column holds a secret, sealed or as a hash.
pub(crate) fn is_secret(column: &str) -> bool {
    ["secret_hash", "encrypt_key", "verification_token", "secret"].contains(&column)
}

/// What a line of a table says.
#[derive(Serialize, Deserialize)]
struct Heading<'a> {
    table: &'a str,
    columns: Vec<String>,
}

/// Appends the line of a table.
pub(crate) fn write_heading(text: &mut Vec<u8>, table: &Held) -> Result<(), StoreError> {
    write(text, &Heading { table: table.name, columns: table.columns.clone() })
}

/// Appends the line of a row.
pub(crate) fn write_row(text: &mut Vec<u8>, row: &[Value]) -> Result<(), StoreError> {
    write(text, &Line(row))
}

fn write(text: &mut Vec<u8>, line: &impl Serialize) -> Result<(), StoreError> {
    let failed = |error: serde_json::Error| StoreError::Broken(format!("a row cannot be written: {error}"));
    serde_json::to_writer(&mut *text, line).map_err(failed)?;
    text.push(b'\n');
    Ok(())
}

/// The table that a line names.
pub(crate) fn heading_of(line: &str) -> Result<&'static Held, String> {
    let Heading { table, columns } = serde_json::from_str(line).map_err(|error| wrong(&error))?;
    let known = held().map_err(|error| error.to_string())?;
    let found = known.iter().find(|known| known.name == table);
    let found = found.ok_or_else(|| format!("this release has no table {table}"))?;
    if found.columns != columns {
        return Err(format!("the table {table} has other columns in this release"));
    }
    Ok(found)
}

/// The row of a table in a line.
pub(crate) fn row_of(table: &Held, line: &str) -> Result<Cells, String> {
    let mut reader = serde_json::Deserializer::from_str(line);
    // One more than fits is enough to know that it is too long.
    let row = reader.deserialize_seq(RowVisitor { most: table.types.len() + 1 });
    let row: Cells = row.and_then(|row| reader.end().map(|()| row)).map_err(|error| wrong(&error))?;
    if row.len() != table.types.len() {
        return Err(format!("a row of {} has {} values", table.name, table.types.len()));
    }
    let mut typed = table.types.iter().zip(&row).zip(&table.columns);
    if let Some((_, column)) = typed.find(|((of, value), _)| !of.has(value)) {
        return Err(format!("{}.{column} has a value of another type", table.name));
    }
    Ok(row)
}

fn wrong(error: &serde_json::Error) -> String {
    format!("not JSON of a snapshot: {error}")
}

/// A line that is not one of a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its number among the lines that were read, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Reads lines; what is read of them so far.
#[derive(Default)]
pub(crate) struct Reader {
    content: Content,
    line: usize,
}

impl Reader {
    /// Reads the lines of a text.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), Unreadable> {
        for line in text.lines() {
            self.line += 1;
            self.read_line(line).map_err(|why| Unreadable { line: self.line, why })?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with('{') {
            let table = heading_of(line)?;
            if self.content.0.iter().any(|rows| rows.table.name == table.name) {
                return Err(format!("the table {} occurs twice", table.name));
            }
            self.content.0.push(Rows { table, rows: Vec::new() });
            return Ok(());
        }
        let Some(Rows { table, rows }) = self.content.0.last_mut() else {
            return Err("a row before the line of its table".to_owned());
        };
        rows.push(row_of(table, line)?);
        Ok(())
    }

    /// What was read. Two rows with one key are an error.
    pub(crate) fn finish(mut self) -> Result<Content, Unreadable> {
        self.content.0.retain(|rows| !rows.rows.is_empty());
        self.content.sort();
        for Rows { table, rows } in &self.content.0 {
            if rows.windows(2).any(|two| matches!(two, [one, other] if table.order(one, other).is_eq())) {
                let why = format!("two rows of {} have the same key", table.name);
                return Err(Unreadable { line: self.line, why });
            }
        }
        Ok(self.content)
    }
}

/// A row in a line.
struct Line<'a>(&'a [Value]);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(CellRef))
    }
}

/// A value in a line: bytes are an object with their base64.
struct CellRef<'a>(&'a Value);

const BASE64: &str = "base64";

impl Serialize for CellRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(BASE64, &STANDARD.encode(bytes))?;
                map.end()
            }
        }
    }
}

/// Reads a row of at most `most` values.
struct RowVisitor {
    most: usize,
}

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cells, A::Error> {
        let mut row = Cells::with_capacity(self.most);
        while let Some(Cell(value)) = list.next_element()? {
            if row.len() == self.most {
                return Err(serde::de::Error::custom("too many values"));
            }
            row.push(value);
        }
        Ok(row)
    }
}

struct Cell(Value);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor).map(Cell)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, null, or an object with base64")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        // PostgreSQL keeps no such text.
        if text.contains('\0') { Err(E::custom("a text has U+0000")) } else { Ok(Value::Text(text)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let wrong = || serde::de::Error::custom("an object has base64 alone");
        let Some((name, text)) = map.next_entry::<String, String>()? else { return Err(wrong()) };
        if name != BASE64 || map.next_key::<String>()?.is_some() {
            return Err(wrong());
        }
        STANDARD.decode(text).map(Value::Bytes).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::tables::Kind;

    /// A row of a table, with a value of each type.
    fn row(table: &Held, number: i64) -> Cells {
        let cell = |of: &crate::whole::tables::Type| match of.kind {
            Kind::Int => Value::Int(number),
            Kind::Text => Value::Text(format!("{number} \"\\ é\u{1}")),
            Kind::Bytes => Value::Bytes(vec![0, 255, 10]),
        };
        table.types.iter().map(cell).collect()
    }

    fn content() -> Content {
        let two = |table| Rows { table, rows: vec![row(table, 1), row(table, 2)] };
        let one = |table| Rows { table, rows: vec![row(table, 1)] };
        let rows = |table: &'static Held| if table.key == 0 { one(table) } else { two(table) };
        Content(held().expect("tables").iter().map(rows).collect())
    }

    fn parse(text: &str) -> Result<Content, Unreadable> {
        let mut reader = Reader::default();
        reader.read(text)?;
        reader.finish()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let content = content();
        let mut text = Vec::new();
        for Rows { table, rows } in &content.0 {
            write_heading(&mut text, table).expect("written");
            rows.iter().for_each(|row| write_row(&mut text, row).expect("written"));
        }
        let read = parse(std::str::from_utf8(&text).expect("UTF-8")).expect("read");
        assert_eq!(read.count(), content.count());
        for (one, other) in read.0.iter().zip(&content.0) {
            assert_eq!((one.table.name, &one.rows), (other.table.name, &other.rows));
        }
    }

    #[test]
    fn wrong_lines_are_refused_with_their_number() {
        let heading = r#"{"table":"tenant_limit","columns":["name","value"]}"#;
        let wrong = |more: &str| parse(&format!("{heading}\n{more}")).expect_err("refused");
        for (line, why) in [
            ("x", "not JSON"),
            (r#"["a"]"#, "has 2 values"),
            (r#"["a","b"]"#, "tenant_limit.value has a value of another type"),
            (r#"["a",null]"#, "tenant_limit.value has a value of another type"),
            (r#"["a",1.5]"#, "not JSON"),
            (r#"["a\u0000",1]"#, "U+0000"),
            (r#"["a",{"base64":"?"}]"#, "base64"),
            (r#"["a",{"base64":"","b":""}]"#, "base64"),
            (heading, "occurs twice"),
            (r#"{"table":"node_lease","columns":[]}"#, "no table node_lease"),
            (r#"{"table":"tag","columns":[]}"#, "other columns"),
        ] {
            let refused = wrong(line);
            assert!(refused.line == 2 && refused.why.contains(why), "{line}: {refused:?}");
        }
        assert!(wrong("[\"a\",1]\n[\"a\",2]").why.contains("the same key"));
        assert_eq!(parse("[]").expect_err("refused").line, 1);
        assert_eq!(parse("").expect("nothing").count(), 0);
    }
}
