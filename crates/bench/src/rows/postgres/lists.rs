//! Lists, searches, members and tags on PostgreSQL databases of several sizes, with and without statistics.
//!
//! The planner relies on what ANALYZE has seen: nothing for a tenant that has just grown, everything for one that has
//! existed for a while. The calls must not differ.

use std::time::Instant;

use super::{CONNECTIONS, database_row, nodes};
use crate::Res;
use crate::filled;
use crate::load::Script;
use crate::multiplied::{self, Database};
use crate::postgres::{Cluster, Session};
use crate::product::{Product, get_tags};
use crate::report::Table;
use crate::rows::lists::{CHATS, Kind, Store, by_store, got, kind, kinds};
use crate::rows::sizes::{Draw, spread_over};
use crate::rows::{Run, announce};

/// Fills a database of each size and measures them in turn: as they are, and again after ANALYZE.
pub(super) fn measure(run: &Run, table: &mut Table, cluster: &Cluster) -> Res<()> {
    let (mut stores, mut sessions) = (Vec::new(), Vec::new());
    for &count in &run.chats {
        announce(&format!("PostgreSQL: a database of {count} chats and as many tags"));
        let (store, session) = fill(run, cluster, count)?;
        stores.push(store);
        sessions.push(session);
    }
    let mut kinds = kinds();
    kinds.extend(others());
    for state in ["never analyzed", "analyzed"] {
        if state == "analyzed" {
            for session in &sessions {
                session.run("ANALYZE")?;
                session.run("CHECKPOINT")?;
            }
        }
        announce(&format!("PostgreSQL: lists, {state}"));
        let title = |count| {
            format!(
                "Lists, searches, members and tags on PostgreSQL, of {count} chats and tags each, {state}"
            )
        };
        by_store(run, table, &stores, &kinds, &title, |name, rounds| database_row(name, rounds))?;
    }
    for store in stores {
        store.product.process.end()?;
    }
    Ok(())
}

/// Requests besides lists and searches.
fn others() -> [Kind; 3] {
    [
        kind("members, 20 on a page, of 5000", |store| {
            got(store, &format!("{CHATS}/{}/members?page_size=20", store.filled.large))
        }),
        kind("whether the caller is a member, of 5000", |store| {
            got(store, &format!("{CHATS}/{}/members/is_in_chat", store.filled.large))
        }),
        kind("GET 40 tags, uniform ids", tags),
    ]
}

fn tags(store: &Store) -> Res<Script> {
    let (product, ids) = (&store.product, &store.ids);
    let answer = product.call(&get_tags(&product.token, &ids[..40]))?.json()?;
    if answer["data"]["tag_infos"].as_array().map(Vec::len) != Some(40) {
        return Err(format!("40 tags are not all there: {answer}").into());
    }
    Ok(spread_over(&product.token, ids, Draw::Uniform))
}

/// A database with this many chats and tags of one tenant, as if they had just been written one by one.
fn fill(run: &Run, cluster: &Cluster, count: u64) -> Res<(Store, Session)> {
    let name = format!("lists_{count}");
    let url = cluster.database(&name)?;
    let first = Product::on_database(&run.place, &url, &format!("{name}-first"), CONNECTIONS)?;
    let session = cluster.session(&name)?;
    let tables = unwatched(&session)?;
    let begun = Instant::now();
    let filled = filled::chats_on(cluster, &name, count)?;
    let tag = first.make_tags(1)?[0];
    multiplied::tags(&session, tag, count)?;
    forget(&session, &tables)?;
    eprintln!("  filled in {:.1} s", begun.elapsed().as_secs_f64());
    // A new server, without plans from when the database was empty.
    let product = first.beside(&run.place, &url, &name, CONNECTIONS)?;
    first.process.end()?;
    let (group, ids) = (nodes(cluster, &[&product]), (tag - count.cast_signed()..tag).collect());
    Ok((Store { count, product, group, filled, ids }, session))
}

/// Turns autovacuum off for all tables, and returns their names.
pub(super) fn unwatched(session: &Session) -> Res<Vec<String>> {
    let tables = session.strings("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")?;
    for table in &tables {
        session.run(&format!("ALTER TABLE {table} SET (autovacuum_enabled = false)"))?;
    }
    Ok(tables)
}

/// Leaves tables without statistics, as with new rows: building an index counts rows, which is undone here.
///
/// Reads every row once before, so that hint bits, which the first reader of a row sets, are not measured.
pub(super) fn forget(session: &Session, tables: &[String]) -> Res<()> {
    for table in tables {
        session.run(&format!("SELECT count(*) FROM {table}"))?;
    }
    session.run(
        "UPDATE pg_class SET relpages = 0, reltuples = -1, relallvisible = 0 \
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')",
    )?;
    session.run("CHECKPOINT")?;
    let seen = session.strings("SELECT attname FROM pg_stats WHERE schemaname = 'public'")?;
    if seen.is_empty() { Ok(()) } else { Err("the tables have been analyzed".into()) }
}
