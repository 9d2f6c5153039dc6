use larkspur_store_sqlite::Sqlite;

use super::Place;
use super::progress::Progress;
use super::store::advised;

/// Returns the space of deleted data to the file system.
pub(super) fn run(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return Err("the data is on a PostgreSQL server, which does this itself (autovacuum)".to_owned());
    }
    let progress = Progress::of("rewriting the file");
    let (before, after) = Sqlite::compact(&config.data).map_err(|error| advised(&error))?;
    drop(progress);
    super::print(&format!("{}: {before} bytes before, {after} now\n", config.data.display()))
}
