//! Makes many rows out of a few that the product wrote: the database copies them, with other ids, names and times.
//!
//! What a row holds is the product's business alone; here only the columns that must differ are known.

use std::path::Path;

use rusqlite::Connection;

use crate::Res;

/// The rows that are copied.
pub(crate) struct Patterns<'a> {
    /// The ids of chat 0, which is public, and of chat 1, which is not.
    pub(crate) chats: [&'a str; 2],
    /// How many chats there are in the end.
    pub(crate) count: u64,
    /// How many users there are in the end: `person000000000` and so on.
    pub(crate) users: u64,
}

/// A copy, number `n`, differs from what it is copied of, number `k`, in this: the columns' names, and what stands in a copy.
const CHANGES: [(&[&str], &str); 5] = [
    (&["chat_id"], "m.chat_id"),
    (&["user_no"], "t.user_no - m.n"),
    (&["created_at", "active_at", "joined_at", "chat_created_at", "chat_active_at"], "t.COLUMN + m.n - m.k"),
    (&["name", "name_folded", "term", "words"], "replace(t.COLUMN, m.was, m.now)"),
    (&["member", "user_id"], "replace(t.COLUMN, printf('person%09d', m.k), printf('person%09d', m.person))"),
];

/// Multiplies the users and chats of a store whose server has ended.
///
/// Rows are written in the order in which they would have been made; indexes are made anew behind them.
pub(crate) fn multiply(store: &Path, patterns: &Patterns<'_>) -> Res<()> {
    let database = Connection::open(store.join("larkspur.db"))?;
    // Random keys go all over their index: without room for it, each page is written many times.
    database.execute_batch(
        "PRAGMA cache_size = -1048576; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
         CREATE TEMP TABLE made 
           (n INTEGER PRIMARY KEY, k INTEGER, base TEXT, chat_id TEXT, person INTEGER, was TEXT, now TEXT);",
    )?;
    let [public, private] = patterns.chats;
    let numbers = "WITH RECURSIVE c(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?2)";
    database.execute(
        &format!("INSERT INTO made {numbers} SELECT n, 0, 'person000000000', NULL, n, '000000000', printf('%09d', n) FROM c"),
        (2, patterns.users.cast_signed()),
    )?;
    for table in ["users", "user_term"] {
        copy(&database, table, "user_id")?;
    }
    database.execute("DELETE FROM made", ())?;
    database.execute(
        &format!(
            "INSERT INTO made {numbers} SELECT n, n % 10 <> 0, iif(n % 10 = 0, ?3, ?4), \
             'oc_' || lower(hex(randomblob(16))), n % ?5, printf('%012d', n % 10 <> 0), printf('%012d', n) FROM c"
        ),
        (2, patterns.count.cast_signed(), public, private, patterns.users.cast_signed()),
    )?;
    for table in ["chat", "chat_member", "chat_term"] {
        copy(&database, table, "chat_id")?;
    }
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(())
}

/// Copies the rows of one table, in one transaction.
fn copy(database: &Connection, table: &str, key: &str) -> Res<()> {
    let strings = |sql: &str| -> Res<Vec<String>> {
        let mut statement = database.prepare(sql)?;
        let rows = statement.query_map((), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let columns = strings(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
    let values: Vec<String> = columns
        .iter()
        .map(|column| {
            let change = CHANGES.iter().find(|(names, _)| names.contains(&column.as_str()));
            change.map_or_else(|| format!("t.{column}"), |(_, value)| value.replace("COLUMN", column))
        })
        .collect();
    let of_table =
        format!("FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}' AND sql IS NOT NULL");
    let (names, indexes) =
        (strings(&format!("SELECT name {of_table}"))?, strings(&format!("SELECT sql {of_table}"))?);
    let mut sql = format!(
        "CREATE TEMP TABLE base AS SELECT * FROM main.{table} WHERE {key} IN (SELECT base FROM made);\nBEGIN;\n"
    );
    for name in names {
        sql += &format!("DROP INDEX {name};\n");
    }
    sql += &format!(
        "INSERT INTO main.{table} ({}) SELECT {} FROM made m CROSS JOIN base t ON t.{key} = m.base ORDER BY m.n;\n",
        columns.join(", "),
        values.join(", ")
    );
    for index in indexes {
        sql += &format!("{index};\n");
    }
    sql += "COMMIT;\nDROP TABLE base;";
    Ok(database.execute_batch(&sql)?)
}
