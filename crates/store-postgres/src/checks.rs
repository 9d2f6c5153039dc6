//! Checks a database before it is used.

use larkspur_store::StoreError;
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::Connection;
use crate::{CONNECT, OpenError};

/// Texts whose order differs by bytes and by letters, in the order of their bytes.
const ORDERED: &[&str] =
    &["", " a", "A", "Z", "_", "a", "a ", "a b", "a-b", "aa", "b", "e\u{301}", "z", "ß", "à", "é", "ﬀ", "🦜"];

/// Refuses a server or a database that would not keep what is written, or would sort it differently.
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

/// Why a database that answers takes no writes; `None` if it cannot be asked.
pub(crate) async fn unwritable(config: &Config, tls: &MakeRustlsConnect) -> Option<String> {
    let mut config = config.clone();
    config.target_session_attrs(TargetSessionAttrs::Any);
    let (client, connection) = timeout(CONNECT, config.connect(tls.clone())).await.ok()?.ok()?;
    let task = tokio::spawn(connection);
    let answer = timeout(CONNECT, client.simple_query("VALUES (CAST(pg_is_in_recovery() AS TEXT))")).await;
    task.abort();
    let messages = answer.ok()?.ok()?;
    let standby = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })?;
    let why = match standby {
        "true" => {
            "the database takes no writes, since every host of the address that answers is a standby: name the primary, too, or \
             promote one"
        }
        _ => {
            "the database takes no writes, since default_transaction_read_only is on for the role, the database or the server: \
             ALTER ROLE … RESET default_transaction_read_only, and the same of the database, mends that"
        }
    };
    Some(why.to_owned())
}

const HOW: &str =
    "make one with CREATE DATABASE larkspur TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'";

fn refuse(why: String) -> Result<(), OpenError> {
    Err(OpenError::Unfit(StoreError::Unavailable(why)))
}

async fn show(connection: &Connection, name: &str) -> Result<String, StoreError> {
    Ok(connection.show(&format!("SHOW {name}")).await?.pop().unwrap_or_default())
}
