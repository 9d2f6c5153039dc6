use larkspur_store_sqlite::Sqlite;

use super::Place;
use super::progress::Progress;
use super::store::advised;

/// Gives back the room that deleted data left.
pub(super) fn run(place: &Place) -> Result<(), String> {
    let config = place.config()?;
    if config.is_on_a_server() {
        return Err("the data are on a PostgreSQL server, which does this by itself (autovacuum)".to_owned());
    }
    let progress = Progress::of("writing the file anew");
    let (before, after) = Sqlite::compact(&config.data).map_err(|error| advised(&error))?;
    drop(progress);
    super::print(&format!("{}: {before} bytes before, {after} now\n", config.data.display()))
}
