//! What a database must be before anything is kept in it.

use larkspur_store::StoreError;

use crate::OpenError;
use crate::connection::Connection;

/// Texts whose order tells bytes from letters, in the order of their bytes.
const ORDERED: &[&str] =
    &["", " a", "A", "Z", "_", "a", "a ", "a b", "a-b", "aa", "b", "e\u{301}", "z", "ß", "à", "é", "ﬀ", "🦜"];

/// Refuses a server or a database that would not keep what is written, or not in the order that the product reads.
pub(crate) async fn check(connection: &Connection) -> Result<(), OpenError> {
    let version = show(connection, "server_version_num").await?;
    if version.parse::<u32>().unwrap_or(0) < 15_00_00 {
        let version = show(connection, "server_version").await?;
        return refuse(format!("the server is PostgreSQL {version} and must be 15 or newer"));
    }
    let encoding = show(connection, "server_encoding").await?;
    if encoding != "UTF8" {
        return refuse(format!("the database's encoding is {encoding} and must be UTF8: {HOW}"));
    }
    let values: Vec<String> = ORDERED.iter().rev().map(|text| format!("('{text}')")).collect();
    let found = connection.show(&format!("VALUES {} ORDER BY 1", values.join(", "))).await?;
    if found != ORDERED {
        return refuse(format!(
            "the database does not order text by its bytes, as the collation C.UTF-8 does: {HOW}"
        ));
    }
    if show(connection, "synchronous_commit").await? == "off" {
        return refuse(
            "synchronous_commit is off, so that a write may be acknowledged and then lost: set it to on"
                .to_owned(),
        );
    }
    Ok(())
}

const HOW: &str =
    "make one with CREATE DATABASE larkspur TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'";

fn refuse(why: String) -> Result<(), OpenError> {
    Err(OpenError::Unfit(StoreError::Unavailable(why)))
}

async fn show(connection: &Connection, name: &str) -> Result<String, StoreError> {
    Ok(connection.show(&format!("SHOW {name}")).await?.pop().unwrap_or_default())
}
