use std::time::Duration;

use clap::Args;
use larkspur_store::{SCHEMA_VERSION, citus};
use larkspur_store_sqlite::Sqlite;
use tokio::time::Instant;

use super::Place;
use super::check::lies;
use super::store::{Store, advised, plain};
use super::waiting::{patiently, waiting};

/// The longest wait, in seconds.
const DAY: u64 = 86_400;

/// Flags of `larkspur migrate`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Create a store in the data directory if there is none
    #[arg(long)]
    create: bool,
    /// Distribute the tables by tenant across a Citus cluster; stop all larkspur servers first
    #[arg(long)]
    distribute: bool,
    /// Number of shards [default: 32, or what the tables already have]
    #[arg(long, value_name = "COUNT", requires = "distribute", value_parser = clap::value_parser!(u32).range(1..=64_000))]
    shards: Option<u32>,
    #[command(flatten)]
    place: Place,
    /// Seconds to wait for the database to become available
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Migrates the data to this program's schema.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let config = flags.place.config()?;
    if !flags.create
        && !config.is_on_a_server()
        && !Sqlite::exists(&config.data).map_err(|error| advised(&error))?
    {
        return Err(format!(
            "there is no store in {}: choose another directory with --data, or create one with --create",
            config.data.display()
        ));
    }
    if config.read_only {
        return Err("a migration writes, and read_only is set: set it to false for this command".to_owned());
    }
    if flags.distribute && !config.is_on_a_server() {
        return Err("--distribute needs a database on a Citus coordinator: name it with --store".to_owned());
    }
    waiting(async {
        let until = Instant::now() + Duration::from_secs(flags.wait.min(DAY));
        let store = patiently(
            Some(until),
            |_| (),
            async || {
                let store = match flags.distribute {
                    true => Store::open_at_leisure(&config).await?,
                    false => Store::try_open(&config).await?,
                };
                store.migrate(&config).await.inspect_err(|_| store.close())?;
                Ok(store)
            },
        );
        let store = store.await?;
        let place = store.place(&config);
        super::print(&format!(
            "{place} has schema {SCHEMA_VERSION} of this release, or a newer compatible one\n"
        ))?;
        if flags.distribute {
            let mut distributed = Vec::new();
            let mut report = |table: &str| distributed.push(table.to_owned());
            let layout = citus::distribute(&store.driver(), flags.shards, &mut report).await;
            let done = if distributed.is_empty() {
                String::new()
            } else {
                format!("distributed: {}\n", distributed.join(", "))
            };
            super::print(&done)?;
            super::print(&format!("{}\n", lies(&layout.map_err(|error| plain(&error))?)))?;
        }
        store.close();
        Ok(())
    })
}
