use larkspur_store::SCHEMA_VERSION;
use larkspur_store::blobs::{self, Examined};
use larkspur_store::citus::{self, Layout};
use larkspur_store::rights::{self, Findings};
use larkspur_store::state::{self, Schema};
use larkspur_store_sqlite::Sqlite;

use super::Place;
use super::progress::Progress;
use super::store::{Store, advised, blobs as configured, plain, without_files};
use super::waiting::waiting;
use crate::config::Config;

/// Checks for damage and for missing or damaged files; for a PostgreSQL database, checks that it is suitable.
pub(super) fn run(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return waiting(async {
            let store = Store::look(&config).await?;
            let database = check_database(&store, &config).await;
            let files = check_files(&store, &config).await;
            store.close();
            database.and(files)
        });
    }
    let data = &config.data;
    let progress = Progress::of("checking every page and every reference");
    let found = Sqlite::check(data).map_err(|error| advised(&error))?;
    drop(progress);
    if !found.is_empty() {
        super::print(&format!("{}\n", found.join("\n")))?;
        return Err(format!("{} is damaged: restore a backup into another directory", data.display()));
    }
    super::print(&format!("{}: no damage found\n", data.display()))?;
    waiting(async {
        let store = Store::look(&config).await?;
        let checked = check_state(&store, &config).await;
        let files = check_files(&store, &config).await;
        store.close();
        checked.and(files)
    })
}

/// Reports what keeps a data directory from being served, other than a pending migration.
async fn check_state(store: &Store, config: &Config) -> Result<(), String> {
    let state = state::look(&store.driver()).await.map_err(|error| plain(&error))?;
    let place = store.place(config);
    match (state.fault(), state.schema) {
        (Some(why), _) => Err(format!("{place}: {why}")),
        (None, Schema::Absent) => {
            Err(format!("{place} has no larkspur tables: choose another directory with --data"))
        }
        (None, Schema::Older(older)) => super::print(&format!(
            "{place} has schema {older}: `larkspur migrate` or the next start upgrades it to {SCHEMA_VERSION}\n"
        )),
        (None, _) => Ok(()),
    }
}

/// Reports problems of a database, its server's settings and the rights of the URL's role.
async fn check_database(store: &Store, config: &Config) -> Result<(), String> {
    let (driver, place) = (store.driver(), store.place(config));
    let state = state::look(&driver).await.map_err(|error| plain(&error))?;
    let mut found = rights::look(&driver, &state).await.map_err(|error| plain(&error))?;
    if let Some(layout) = citus::layout(&driver).await.map_err(|error| plain(&error))? {
        if state.schema == Schema::Same && !layout.wrong.is_empty() {
            found.faults.push(format!(
                "wrongly distributed: {}; run `larkspur migrate --distribute`",
                layout.wrong.join(", ")
            ));
        }
        found.notes.push(lies(&layout));
    }
    let Findings { faults, notes } = found;
    super::print(&faults.iter().chain(&notes).map(|line| format!("{line}\n")).collect::<String>())?;
    if !faults.is_empty() {
        return Err(format!("{place} is not suitable: {} of these lines must be fixed first", faults.len()));
    }
    super::print(&format!(
        "{place} is suitable: version, encoding, collation, durability and permissions are right\n"
    ))
}

/// Reports files that images name and that are missing or damaged.
async fn check_files(store: &Store, config: &Config) -> Result<(), String> {
    let driver = store.driver();
    if let Some(why) = without_files(config, &driver).await.map_err(|error| plain(&error))? {
        return Err(why);
    }
    if !blobs::any(&driver).await.map_err(|error| plain(&error))? {
        return Ok(());
    }
    let Some(kept) = configured(config)? else { return Ok(()) };
    let progress = Progress::of("reading image files");
    let mut report = |read| progress.now(format!("{read} image files read"));
    let examined = blobs::examine(&driver, &*kept, &mut report).await.map_err(|error| plain(&error))?;
    drop(progress);
    let Examined { named, missing, damaged } = examined;
    if missing.is_empty() && damaged.is_empty() {
        return super::print(&format!(
            "{}: {named} files checked, none missing or damaged\n",
            config.blobs()
        ));
    }
    let lines = missing.iter().map(|name| format!("missing: {name}\n"));
    let lines = lines.chain(damaged.iter().map(|name| format!("damaged: {name}\n")));
    super::print(&lines.collect::<String>())?;
    Err(format!(
        "{} lacks {} image files, and {} are damaged: restore them from a backup, or upload the same images again",
        config.blobs(),
        missing.len(),
        damaged.len()
    ))
}

/// How Citus distributes the tables, in a line.
pub(super) fn lies(layout: &Layout) -> String {
    format!(
        "Citus: {} tables distributed by tenant, {} shards each on {} servers; {} tables replicated to every server ({})",
        layout.divided.len(),
        layout.shards,
        layout.servers,
        layout.everywhere.len(),
        layout.everywhere.join(", ")
    )
}
