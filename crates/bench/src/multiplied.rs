//! Multiplies a few rows that the product wrote: the database copies them with other ids, names and times.
//!
//! Only the columns that must differ are known here; the rest of a row is the product's. The statements are the same on
//! SQLite and PostgreSQL; the differences are in [`Database`].

use std::path::Path;

use rusqlite::Connection;

use crate::Res;
use crate::postgres::Session;

/// A database, accessed besides the product.
pub(crate) trait Database {
    /// An expression: 32 pseudorandom hex digits for row number `n`.
    const HEX: &'static str;

    /// Runs statements.
    fn run(&self, sql: &str) -> Res<()>;

    /// The columns of a table.
    fn columns(&self, table: &str) -> Res<Vec<String>>;

    /// The indexes of a table, except its primary key: name and CREATE statement.
    fn indexes(&self, table: &str) -> Res<Vec<(String, String)>>;
}

/// The SQLite database of a store whose server has stopped.
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    /// Opens the database in a store's directory.
    pub(crate) fn open(store: &Path) -> Res<Self> {
        let database = Connection::open(store.join("larkspur.db"))?;
        // Random keys go to all parts of their index: with a small cache, each page is written many times.
        database.execute_batch(
            "PRAGMA cache_size = -1048576; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;",
        )?;
        Ok(Sqlite(database))
    }

    /// Moves the log into the database file.
    pub(crate) fn settle(&self) -> Res<()> {
        Ok(self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?)
    }

    fn strings(&self, sql: &str) -> Res<Vec<String>> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map((), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Database for Sqlite {
    const HEX: &'static str = "lower(hex(randomblob(16)))";

    fn run(&self, sql: &str) -> Res<()> {
        Ok(self.0.execute_batch(sql)?)
    }

    fn columns(&self, table: &str) -> Res<Vec<String>> {
        self.strings(&format!("SELECT name FROM pragma_table_info('{table}')"))
    }

    fn indexes(&self, table: &str) -> Res<Vec<(String, String)>> {
        let of_table = format!(
            "FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}' AND sql IS NOT NULL ORDER BY name"
        );
        let names = self.strings(&format!("SELECT name {of_table}"))?;
        Ok(names.into_iter().zip(self.strings(&format!("SELECT sql {of_table}"))?).collect())
    }
}

impl Database for Session {
    const HEX: &'static str = "md5(CAST(n AS TEXT))";

    fn run(&self, sql: &str) -> Res<()> {
        self.strings(sql).map(drop)
    }

    fn columns(&self, table: &str) -> Res<Vec<String>> {
        self.strings(&format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' \
             ORDER BY ordinal_position"
        ))
    }

    fn indexes(&self, table: &str) -> Res<Vec<(String, String)>> {
        let of_table = format!(
            "FROM pg_indexes WHERE schemaname = 'public' AND tablename = '{table}' \
             AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname"
        );
        let names = self.strings(&format!("SELECT indexname {of_table}"))?;
        Ok(names.into_iter().zip(self.strings(&format!("SELECT indexdef {of_table}"))?).collect())
    }
}

/// The rows that are copied.
pub(crate) struct Patterns<'a> {
    /// The ids of chat 0, which is public, and of chat 1, which is not.
    pub(crate) chats: [&'a str; 2],
    /// The final number of chats.
    pub(crate) count: u64,
    /// The final number of users: `person000000000` and so on.
    pub(crate) users: u64,
}

/// How copy `n` differs from its original `k`: the columns' names, and the values of the copy.
const CHANGES: [(&[&str], &str); 7] = [
    (&["chat_id"], "m.chat_id"),
    (&["user_no"], "t.user_no - m.n"),
    (&["tag_id"], "t.tag_id - m.n"),
    (&["created_at", "active_at", "joined_at", "chat_created_at", "chat_active_at"], "t.COLUMN + m.n - m.k"),
    (&["name", "name_folded", "term", "words"], "replace(t.COLUMN, m.was, m.now)"),
    (&["number"], "CAST(m.now AS BIGINT)"),
    (&["member", "user_id"], "replace(t.COLUMN, m.person_was, m.person_now)"),
];

/// The table of copies: each with its number, its original, and its values.
const MADE: &str = "CREATE TEMP TABLE made (n INTEGER PRIMARY KEY, k INTEGER, base TEXT, chat_id TEXT, was TEXT, now TEXT, \
                    person_was TEXT, person_now TEXT)";

/// This many digits of a number, which is an expression.
fn digits(number: &str, count: u32) -> String {
    format!("substr(CAST({} + {number} AS TEXT), 2)", 10_u64.pow(count))
}

/// The numbers from `first` up to, but not including, `end`, as a query's `c(n)`.
fn numbers(first: u64, end: u64) -> String {
    format!("WITH RECURSIVE c(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM c WHERE n + 1 < {end})")
}

/// Multiplies the users and chats of a store.
///
/// Rows are written in the order of creation; indexes are rebuilt afterwards.
pub(crate) fn chats<D: Database>(database: &D, patterns: &Patterns<'_>) -> Res<()> {
    let [public, private] = patterns.chats;
    let (nine, all) = (digits("n", 9), numbers(2, patterns.users));
    database.run(&format!(
        "{MADE}; INSERT INTO made {all} SELECT n, 0, 'person000000000', NULL, '000000000', {nine}, 'person000000000', \
         'person' || {nine} FROM c;"
    ))?;
    for table in ["users", "user_term"] {
        copy(database, table, "user_id")?;
    }
    let (number, all) = ("CASE WHEN n % 10 = 0 THEN 0 ELSE 1 END", numbers(2, patterns.count));
    database.run(&format!(
        "DELETE FROM made; INSERT INTO made {all} SELECT n, {number}, CASE WHEN n % 10 = 0 THEN '{public}' ELSE '{private}' END, \
         'oc_' || {}, {}, {}, 'person' || {}, 'person' || {} FROM c;",
        D::HEX,
        digits(number, 12),
        digits("n", 12),
        digits(number, 9),
        digits(&format!("n % {}", patterns.users), 9),
    ))?;
    for table in ["chat", "chat_member", "chat_term"] {
        copy(database, table, "chat_id")?;
    }
    database.run("DROP TABLE made")
}

/// Makes `count` tags out of one. Their ids are just below its id; their names begin with 8 hex digits, so that new
/// names go to all parts of the index.
pub(crate) fn tags<D: Database>(database: &D, first: i64, count: u64) -> Res<()> {
    database.run(&format!(
        "{MADE}; INSERT INTO made (n, k, base, was, now) {} SELECT n, 0, '{first}', (SELECT name FROM tag WHERE tag_id = {first}), \
         substr({}, 1, 8) || ' tag ' || {} FROM c;",
        numbers(1, count + 1),
        D::HEX,
        digits("n", 12),
    ))?;
    copy(database, "tag", "CAST(tag_id AS TEXT)")?;
    database.run("DROP TABLE made")
}

/// Makes `count` messages out of three: half of them in the first chat, a quarter in its thread, and a quarter in other
/// chats. They are older than the three, a millisecond each.
pub(crate) fn messages<D: Database>(database: &D, chats: [&str; 2], count: u64) -> Res<()> {
    let [chat, other] = chats;
    let original = |of: &str| format!("(SELECT min(number) FROM message WHERE {of})");
    let said = original(&format!("chat_id = '{chat}' AND place = 0"));
    let elsewhere = original(&format!("chat_id = '{other}'"));
    let replied = original(&format!("chat_id = '{chat}' AND place = 1"));
    database.run(&format!(
        "{MADE}; INSERT INTO made (n, k, base, chat_id, now) {} SELECT n, {count}, \
         CAST(CASE n % 4 WHEN 1 THEN {replied} WHEN 3 THEN {elsewhere} ELSE {said} END AS TEXT), \
         CASE n % 4 WHEN 3 THEN 'oc_' || {} ELSE '{chat}' END, CAST({said} - ({count} - n) * CAST(1024 AS BIGINT) AS TEXT) FROM c;",
        numbers(1, count - 2),
        D::HEX,
    ))?;
    copy(database, "message", "CAST(number AS TEXT)")?;
    database.run("DROP TABLE made")
}

/// Copies the rows of one table, in one transaction. `key` is the expression that `base` refers to.
fn copy(database: &impl Database, table: &str, key: &str) -> Res<()> {
    let columns = database.columns(table)?;
    let values: Vec<String> = columns
        .iter()
        .map(|column| {
            let change = CHANGES.iter().find(|(names, _)| names.contains(&column.as_str()));
            change.map_or_else(|| format!("t.{column}"), |(_, value)| value.replace("COLUMN", column))
        })
        .collect();
    let indexes = database.indexes(table)?;
    let mut sql = format!(
        "CREATE TEMP TABLE base AS SELECT {key} AS base_key, o.* FROM {table} o WHERE {key} IN (SELECT base FROM made);\nBEGIN;\n"
    );
    for (name, _) in &indexes {
        sql += &format!("DROP INDEX {name};\n");
    }
    // An outer join, which every database reads from the left.
    sql += &format!(
        "INSERT INTO {table} ({}) SELECT {} FROM made m LEFT JOIN base t ON t.base_key = m.base ORDER BY m.n;\n",
        columns.join(", "),
        values.join(", ")
    );
    for (_, index) in &indexes {
        sql += &format!("{index};\n");
    }
    sql += "COMMIT;\nDROP TABLE base;";
    database.run(&sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(script: &str) -> Sqlite {
        let database = Sqlite(Connection::open_in_memory().expect("a database"));
        database.run(script).expect("the script runs");
        database
    }

    #[test]
    fn copies_differ_in_what_must_differ() {
        let database = database(
            "CREATE TABLE users (user_id TEXT PRIMARY KEY, user_no INTEGER, name TEXT);
             CREATE TABLE user_term (user_id TEXT, term TEXT);
             CREATE TABLE chat (chat_id TEXT PRIMARY KEY, name TEXT, chat_type TEXT, created_at INTEGER);
             CREATE TABLE chat_member (chat_id TEXT, member TEXT, joined_at INTEGER);
             CREATE TABLE chat_term (chat_id TEXT, term TEXT);
             CREATE INDEX chat_by_name ON chat (name);
             INSERT INTO users VALUES ('person000000000', 70, 'P 000000000'), ('person000000001', 71, 'P 000000001');
             INSERT INTO user_term VALUES ('person000000000', 'p 000000000');
             INSERT INTO chat VALUES ('a', 'Chat 000000000000', 'public', 500), ('b', 'Chat 000000000001', 'private', 501);
             INSERT INTO chat_member VALUES ('a', 'cli_1', 500), ('a', 'person000000000', 500),
                ('b', 'cli_1', 501), ('b', 'person000000001', 501);
             INSERT INTO chat_term VALUES ('a', 'chat 000000000000'), ('b', 'chat 000000000001');",
        );
        chats(&database, &Patterns { chats: ["a", "b"], count: 12, users: 5 }).expect("they are copied");
        let all = |sql: &str| database.strings(sql).expect("a query").join(", ");
        assert_eq!(
            all("SELECT user_no || name FROM users WHERE user_id = 'person000000004'"),
            "66P 000000004"
        );
        assert_eq!(all("SELECT user_id FROM user_term WHERE term = 'p 000000003'"), "person000000003");
        assert_eq!(
            all(
                "SELECT CAST(COUNT(*) AS TEXT) FROM chat UNION ALL SELECT CAST(COUNT(*) AS TEXT) FROM chat_term"
            ),
            "12, 12"
        );
        assert_eq!(
            all(
                "SELECT chat_type || created_at FROM chat WHERE name IN ('Chat 000000000010', 'Chat 000000000011') ORDER BY 1"
            ),
            "private511, public510"
        );
        let members = "SELECT member || joined_at FROM chat_member m JOIN chat c ON c.chat_id = m.chat_id";
        assert_eq!(
            all(&format!("{members} WHERE name = 'Chat 000000000009' ORDER BY 1")),
            "cli_1509, person000000004509"
        );
        assert_eq!(
            all("SELECT name FROM sqlite_master WHERE tbl_name = 'chat' AND sql LIKE '%INDEX%'"),
            "chat_by_name"
        );
    }

    #[test]
    fn tags_are_copied_from_one() {
        let database = database(
            "CREATE TABLE tag (tag_id INTEGER PRIMARY KEY, name TEXT UNIQUE, create_time INTEGER);
             INSERT INTO tag VALUES (100, 'First', 9);",
        );
        tags(&database, 100, 3).expect("they are copied");
        let all = |sql: &str| database.strings(sql).expect("a query").join(", ");
        assert_eq!(all("SELECT CAST(tag_id AS TEXT) FROM tag ORDER BY tag_id"), "97, 98, 99, 100");
        assert_eq!(
            all("SELECT substr(name, 9) FROM tag WHERE tag_id = 98 AND create_time = 9"),
            " tag 000000000002"
        );
    }
}
