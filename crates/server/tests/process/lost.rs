//! Losses are reported, and lost data is never replaced: the key, the database. A directory without a store does not
//! become one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_store::{Driver, Engine, SystemClock};
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::postgres::{Tables, database};
use tempfile::TempDir;

use crate::support::program::{Program, binary};

/// Runs a command on a data directory. Returns whether it succeeds, and its output.
fn larkspur(arguments: &[&str], data: &Path) -> (bool, String) {
    let output = Command::new(binary()).args(arguments).arg("--data").arg(data).env_clear().output();
    let output = output.expect("it runs");
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
}

/// The error line of a program that cannot serve a place.
fn refusal(data: &Path) -> String {
    let beside = TempDir::new().expect("a directory");
    let (status, log) = Program::spawn_at(beside.path(), &["--data".as_ref(), data.as_ref()], "").wait();
    assert_eq!((status.code(), log.lines().count()), (Some(1), 1), "{log}");
    log
}

/// A data directory that a server has served and left.
fn served(directory: &Path) -> std::path::PathBuf {
    let data = directory.join("data");
    let program = Program::start(&data);
    program.terminate();
    assert!(program.wait().0.success());
    data
}

fn without_key(data: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let driver = Sqlite::open(data, &Options::default()).expect("opens");
    let sql = "DELETE FROM meta WHERE name = 'master_key'";
    runtime.block_on(driver.query(Effect::Writes, sql, Vec::new())).expect("deleted");
    driver.close();
}

#[test]
fn a_store_that_lost_its_key_is_not_given_another() {
    let directory = TempDir::new().expect("a directory");
    let data = served(directory.path());
    without_key(&data);
    for _ in 0..2 {
        let said = refusal(&data);
        assert!(said.contains("master key is lost") && said.contains("restore a backup"), "{said}");
    }
    let (sound, said) = larkspur(&["check"], &data);
    assert!(!sound && said.contains("master key is lost"), "{said}");
    let (done, said) = larkspur(&["migrate"], &data);
    assert!(!done && said.contains("master key is lost"), "{said}");
}

#[test]
fn a_store_that_lost_the_table_of_its_key_is_not_made_anew() {
    let directory = TempDir::new().expect("a directory");
    let data = served(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let driver = Sqlite::open(&data, &Options::default()).expect("opens");
    for sql in ["DROP TABLE meta", "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)"]
    {
        runtime.block_on(driver.query(Effect::Writes, sql, Vec::new())).expect("done");
        let said = larkspur(&["check"], &data);
        assert!(!said.0 && said.1.contains("the table meta is lost"), "{}", said.1);
    }
    driver.close();
    let said = refusal(&data);
    assert!(said.contains("the table meta is lost") && said.contains("restore a backup"), "{said}");
}

#[tokio::test]
async fn a_database_that_lost_its_key_is_not_given_another() {
    let driver = database(Tables::Plain).await;
    driver
        .query(Effect::Writes, "DELETE FROM meta WHERE name = 'master_key'", vec![])
        .await
        .expect("deleted");
    // Whether or not it would be migrated first.
    for older in ["SELECT 1", "UPDATE meta SET value = '1' WHERE name = 'schema_version'"] {
        driver.query(Effect::Writes, older, vec![]).await.expect("done");
        let refused =
            Engine::open(driver.clone(), Arc::new(SystemClock), 0).await.err().expect("refused").to_string();
        assert!(refused.contains("master key is lost"), "{refused}");
    }
}

#[test]
fn a_database_file_that_is_gone_is_not_made_anew() {
    let directory = TempDir::new().expect("a directory");
    let data = served(directory.path());
    let file = directory.path().join("backup");
    assert!(larkspur(&["backup", &file.to_string_lossy()], &data).0);
    // As left by a kill, or by releases that keep it.
    fs::write(data.join("ready.json"), "{}").expect("written");
    for empty in [false, true] {
        fs::remove_file(data.join("larkspur.db")).expect("removed");
        if empty {
            fs::write(data.join("larkspur.db"), "").expect("written");
        }
        let said = refusal(&data);
        assert!(
            said.contains("ready.json says that there was one") && said.contains("larkspur restore"),
            "{said}"
        );
        assert_eq!(fs::metadata(data.join("larkspur.db")).map_or(0, |file| file.len()), 0, "made anew");
        if empty {
            fs::remove_file(data.join("larkspur.db")).expect("removed");
        } else {
            fs::write(data.join("larkspur.db"), "").expect("written");
        }
    }
    let (done, said) = larkspur(&["restore", &file.to_string_lossy()], &data);
    assert!(done, "{said}");
    drop(Program::start(&data));
    // An operator can still have an empty store made.
    for name in ["larkspur.db", "larkspur.db-wal", "larkspur.db-shm", "ready.json", "demo.json"] {
        drop(fs::remove_file(data.join(name)));
    }
    drop(Program::start(&data));
}

#[test]
fn what_is_no_store_is_not_restored() {
    let directory = TempDir::new().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let other = rusqlite_file(&path("other"));
    let data = served(directory.path());
    without_key(&data);
    assert!(larkspur(&["backup", &path("keyless").to_string_lossy()], &data).0);
    fs::write(path("text"), "no database, and long enough to be looked at: ".repeat(200)).expect("written");
    for (name, part) in [
        (other.as_path(), "it is not a larkspur store; name a file written by `larkspur backup`"),
        (path("keyless").as_path(), "master key is lost"),
        (path("text").as_path(), "is damaged"),
        (path("nothing").as_path(), "does not exist"),
    ] {
        let target = path("target");
        let (done, said) = larkspur(&["restore", &name.to_string_lossy()], &target);
        assert!(!done && said.contains(part) && said.lines().count() == 1, "{}: {said}", name.display());
        assert!(!target.join("larkspur.db").exists(), "{}", name.display());
    }
}

/// A database of another program: a store without its tables.
fn rusqlite_file(path: &Path) -> std::path::PathBuf {
    let folder = path.with_extension("folder");
    let driver = Sqlite::open(&folder, &Options::default()).expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for sql in ["CREATE TABLE recipe (name TEXT)", "INSERT INTO recipe VALUES ('soup')"] {
        runtime.block_on(driver.query(Effect::Writes, sql, Vec::new())).expect("done");
    }
    driver.close();
    Sqlite::backup(&folder, path).expect("a file");
    path.to_owned()
}
