//! What a snapshot holds: the tables, and their columns apart from the tenant.

use std::cmp::Ordering;
use std::sync::LazyLock;

use crate::Value;
use crate::driver::StoreError;
use crate::whole::tables::{Kind, Table, Type, tables};

/// Tables of tenants that no snapshot holds: counts of calls and connections belong to servers, marks on files to the sweep, and
/// the first two are no longer used. Snapshots hold no snapshots.
const UNHELD: [&str; 6] = ["event_due", "event_outbox", "blob", "snapshot", "snapshot_part", "snapshot_blob"];

/// Numbers that never go back: a restore keeps the greater one, and of a row that the snapshot does not have, the number. Such a
/// remainder is no difference.
const GROWING: [(&str, &str); 1] = [("app_sign_in", "ticket_no")];

/// A row without its tenant, in the order of [`Held::columns`].
pub(crate) type Cells = Vec<Value>;

/// A table that snapshots hold.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) name: &'static str,
    /// Those of the primary key first, in its order.
    pub(crate) columns: Vec<String>,
    /// What each of them holds.
    pub(crate) types: Vec<Type>,
    /// How many of them are the primary key's; 0 for the one row of the tenant itself.
    pub(crate) key: usize,
    /// Columns with the work of servers in progress, by index, with what a snapshot has there. They are not compared.
    pub(crate) fresh: Vec<(usize, Value)>,
    /// Numbers that never go back, by index. They are not compared.
    pub(crate) growing: Vec<usize>,
    /// Whether its rows may be megabytes.
    pub(crate) large: bool,
}

impl Held {
    fn of(table: Table) -> Option<Self> {
        let tenant = table.columns.iter().position(|column| column == "tenant")?;
        let Table { name, mut columns, mut types, key, fresh, large } = table;
        columns.remove(tenant);
        types.remove(tenant);
        let growing = GROWING.iter().filter(|(table, _)| *table == name);
        let growing = growing.map(|(_, column)| columns.iter().position(|known| known == column));
        Some(Held {
            growing: growing.collect::<Option<_>>()?,
            fresh: fresh.into_iter().map(|(at, value)| (at - usize::from(at > tenant), value)).collect(),
            key: key - usize::from(tenant < key),
            name,
            columns,
            types,
            large,
        })
    }

    /// Resets the columns with the work of servers in progress.
    pub(crate) fn leave_work_out(&self, rows: &mut [Cells]) {
        for (at, value) in &self.fresh {
            for cell in rows.iter_mut().filter_map(|row| row.get_mut(*at)) {
                cell.clone_from(value);
            }
        }
    }

    /// The key of a row in its table.
    pub(crate) fn key_of<'a>(&self, row: &'a Cells) -> &'a [Value] {
        row.get(..self.key).unwrap_or_default()
    }

    /// The order of two rows by their keys.
    pub(crate) fn order(&self, one: &Cells, other: &Cells) -> Ordering {
        compare(self.key_of(one), self.key_of(other))
    }

    /// Whether two rows have the same values, apart from those that are not compared.
    pub(crate) fn is_same(&self, one: &Cells, other: &Cells) -> bool {
        let skipped = |at: usize| self.growing.contains(&at) || self.fresh.iter().any(|(of, _)| *of == at);
        one.len() == other.len() && (0..one.len()).all(|at| one.get(at) == other.get(at) || skipped(at))
    }

    /// Whether a restore leaves the present row as it is.
    pub(crate) fn stays(&self, present: &Cells, saved: &Cells) -> bool {
        let number = |row: &Cells, at: usize| match row.get(at) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        };
        self.is_same(present, saved)
            && self.growing.iter().all(|at| number(saved, *at) <= number(present, *at))
    }

    /// What a restore leaves of a row that the snapshot does not have: its key, and numbers that never go back.
    pub(crate) fn remainder(&self, present: &Cells) -> Option<Cells> {
        let counts = |at: &usize| matches!(present.get(*at), Some(Value::Int(1..)));
        if !self.growing.iter().any(counts) {
            return None;
        }
        let cells = present.iter().zip(&self.types).enumerate().map(|(at, (cell, of))| match of.kind {
            _ if at < self.key || self.growing.contains(&at) => cell.clone(),
            _ if of.nullable => Value::Null,
            Kind::Int => Value::Int(0),
            Kind::Text => "".into(),
            Kind::Bytes => Vec::new().into(),
        });
        Some(cells.collect())
    }

    /// Whether nothing else is left of a row.
    pub(crate) fn is_remainder(&self, row: &Cells) -> bool {
        !self.growing.is_empty() && self.remainder(row).as_ref() == Some(row)
    }

    /// The row that a restore writes in place of the present one.
    pub(crate) fn restored(&self, saved: &Cells, present: Option<&Cells>) -> Cells {
        let mut row = saved.clone();
        for at in &self.growing {
            if let (Some(Value::Int(saved)), Some(Value::Int(now))) =
                (row.get_mut(*at), present.and_then(|present| present.get(*at)))
            {
                *saved = (*saved).max(*now);
            }
        }
        row
    }
}

/// The order of two keys, which have columns of the same types and no NULL.
pub(crate) fn compare(one: &[Value], other: &[Value]) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Int(_) => 1,
        Value::Text(_) => 2,
        Value::Bytes(_) => 3,
    };
    let of_two = |(one, other): (&Value, &Value)| match (one, other) {
        (Value::Int(one), Value::Int(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (Value::Bytes(one), Value::Bytes(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)),
    };
    let mut parts = one.iter().zip(other).map(of_two);
    parts.find(|order| order.is_ne()).unwrap_or_else(|| one.len().cmp(&other.len()))
}

/// The tables that snapshots hold, in the order of [`crate::tenants::TABLES`].
pub(crate) fn held() -> Result<&'static [Held], StoreError> {
    static HELD: LazyLock<Result<Vec<Held>, StoreError>> = LazyLock::new(|| {
        let all = tables()?.into_iter().filter(|table| !UNHELD.contains(&table.name));
        all.map(|table| {
            let name = table.name;
            Held::of(table).ok_or_else(|| StoreError::Broken(format!("the table {name} cannot be held")))
        })
        .collect()
    });
    HELD.as_deref().map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::TABLES;
    use crate::whole::tables::LEFT;

    #[test]
    fn every_table_is_held_or_left() {
        let held = held().expect("all tables");
        assert_eq!(held.len() + UNHELD.len() + LEFT.len(), TABLES.len());
        let of = |name: &str| held.iter().find(|table| table.name == name).expect(name);
        assert!(held.iter().all(|table| !table.columns.iter().any(|column| column == "tenant")));
        assert_eq!((of("tenant").key, of("app").key, of("chat_tab").key), (0, 1, 2));
        let delivery = of("event_delivery");
        let fresh: Vec<&str> = delivery.fresh.iter().map(|(at, _)| delivery.columns[*at].as_str()).collect();
        assert_eq!(fresh, ["owner", "lease_until"]);
        let growing: usize = held.iter().map(|table| table.growing.len()).sum();
        assert_eq!(growing, GROWING.len());
    }

    #[test]
    fn rows_are_compared_without_the_work_of_servers() {
        let held = held().expect("all tables");
        let delivery = held.iter().find(|table| table.name == "event_delivery").expect("the table");
        let mut one: Cells = delivery.types.iter().map(|_| Value::Int(0)).collect();
        let other = one.clone();
        let (at, _) = delivery.fresh[0];
        one[at] = Value::Int(7);
        assert!(delivery.is_same(&one, &other));
        let state = delivery.columns.iter().position(|column| column == "state").expect("a state");
        one[state] = Value::Int(7);
        assert!(!delivery.is_same(&one, &other));
        let signs = held.iter().find(|table| table.name == "app_sign_in").expect("the table");
        let ticket = signs.growing[0];
        let row = |number| {
            let mut row: Cells = signs.types.iter().map(|_| Value::Int(0)).collect();
            row[ticket] = Value::Int(number);
            row
        };
        assert_eq!(signs.restored(&row(3), Some(&row(5))), row(5));
        assert_eq!(signs.restored(&row(3), Some(&row(2))), row(3));
        assert_eq!(signs.restored(&row(3), None), row(3));
        assert!(signs.stays(&row(3), &row(2)) && !signs.stays(&row(2), &row(3)));
    }

    #[test]
    fn of_a_row_that_goes_the_numbers_stay() {
        let held = held().expect("all tables");
        let signs = held.iter().find(|table| table.name == "app_sign_in").expect("the table");
        let row = |number: i64, other: &str, mark: i64| -> Cells {
            let cell = |column: &String| match column.as_str() {
                "app_id" => "cli_1".into(),
                "ticket_no" => Value::Int(number),
                "redirect_uris" => other.into(),
                _ => Value::Int(mark),
            };
            signs.columns.iter().map(cell).collect()
        };
        assert_eq!(signs.remainder(&row(3, "http://a", 2)), Some(row(3, "", 0)));
        assert_eq!(signs.remainder(&row(0, "http://a", 2)), None, "no ticket was given out");
        assert!(signs.is_remainder(&row(3, "", 0)) && !signs.is_remainder(&row(3, "", 2)));
        let tags = held.iter().find(|table| table.name == "tag").expect("the table");
        let tag: Cells = tags.types.iter().map(|_| Value::Int(1)).collect();
        assert!(tags.remainder(&tag).is_none() && !tags.is_remainder(&tag));
    }

    #[test]
    fn keys_have_an_order() {
        let text = |text: &str| Value::from(text);
        assert!(compare(&[Value::Int(-1), text("b")], &[Value::Int(2), text("a")]).is_lt());
        assert!(compare(&[text("b")], &[text("a")]).is_gt());
        assert!(compare(&[text("a")], &[text("a"), text("b")]).is_lt());
        assert!(compare(&[], &[]).is_eq());
    }
}
