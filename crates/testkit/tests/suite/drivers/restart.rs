//! The engine on a driver: opening again, schemas, and failed statements.

use std::path::Path;
use std::sync::Arc;

use larkspur_contract::Effect::{Reads, Writes};
use larkspur_contract::ids::{AppId, TagId, TenantKey};
use larkspur_store::{Driver, Engine, SCHEMA_VERSION, StoreError, SystemClock, tags, tenants};
use larkspur_store_sqlite::{Options, Sqlite};

use super::{Store, stores};

const TENANT: TenantKey = TenantKey(7);

async fn engine(driver: Arc<dyn Driver>) -> Result<Arc<Engine>, StoreError> {
    Engine::open(driver, Arc::new(SystemClock), 1 << 20).await
}

fn file(directory: &Path) -> Store {
    let driver = Arc::new(Sqlite::open(directory, &Options::default()).expect("a store on disk"));
    Store { driver, _directory: None }
}

async fn tenant_name(engine: &Arc<Engine>) -> Option<String> {
    let read = engine.run(Reads, |root| {
        let mut tx = root.tenant(TENANT);
        Box::pin(async move { tenants::get(&mut tx).await })
    });
    read.await.expect("read").map(|tenant| tenant.name.clone())
}

async fn set_schema(store: &Store, version: &str) {
    let sql = "UPDATE meta SET value = $1 WHERE name = 'schema_version' RETURNING name";
    assert_eq!(store.must(sql, vec![version.into()]).await.len(), 1);
}

#[tokio::test]
async fn a_store_that_is_opened_again_has_its_data_and_its_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut seen = Vec::new();
    for round in 0..3 {
        let engine = engine(file(directory.path()).driver).await.expect("opens");
        if round == 0 {
            let write = engine.run(Writes, |root| {
                let mut tx = root.tenant(TENANT);
                Box::pin(async move { tenants::insert(&mut tx, "kept", 1).await })
            });
            assert_eq!(write.await, Ok(true));
        }
        assert_eq!(tenant_name(&engine).await.as_deref(), Some("kept"), "round {round}");
        seen.push(engine.keys.open_id(1, AppId(2)));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "the master key is another one after a restart");
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_refused_in_words() {
    for (name, store) in stores().await {
        engine(store.driver.clone()).await.expect("opens");
        set_schema(&store, "999").await;
        let sql = "UPDATE meta SET value = $1 WHERE name = 'compatible_since' RETURNING name";
        assert_eq!(store.must(sql, vec!["999".into()]).await.len(), 1, "{name}");
        let error = engine(store.driver.clone()).await.map(|_| ()).expect_err("refused").to_string();
        for part in ["schema 999", &format!("knows schema {SCHEMA_VERSION}"), "newer release"] {
            assert!(error.contains(part), "{name}: {error}");
        }
        set_schema(&store, "soon").await;
        let error = engine(store.driver.clone()).await.map(|_| ()).expect_err("refused").to_string();
        assert!(error.contains("\"soon\", not a number"), "{name}: {error}");
        set_schema(&store, &SCHEMA_VERSION.to_string()).await;
        engine(store.driver.clone()).await.expect("opens again: nothing was changed");
    }
}

#[tokio::test]
async fn a_newer_schema_that_only_adds_is_served_by_the_release_before() {
    for (name, store) in stores().await {
        engine(store.driver.clone()).await.expect("opens");
        let sql = "UPDATE meta SET value = $1 WHERE name = 'compatible_since' RETURNING name";
        let newer = SCHEMA_VERSION + 1;
        set_schema(&store, &newer.to_string()).await;
        for (since, served) in [(SCHEMA_VERSION, true), (newer, false), (1, true)] {
            assert_eq!(store.must(sql, vec![since.to_string().into()]).await.len(), 1, "{name}");
            let opened = engine(store.driver.clone()).await;
            assert_eq!(opened.is_ok(), served, "{name}: since {since}");
        }
        let version = store.must("SELECT value FROM meta WHERE name = 'schema_version'", vec![]).await;
        assert_eq!(version, [larkspur_store::Row(vec![newer.to_string().into()])], "{name}: not set back");
    }
}

#[tokio::test]
async fn a_swallowed_failure_of_a_statement_still_undoes_its_transaction() {
    for (name, store) in stores().await {
        let engine = engine(store.driver.clone()).await.expect("opens");
        store.must("DROP TABLE tag", vec![]).await;
        let write = engine.run(Writes, |root| {
            let mut tx = root.tenant(TENANT);
            Box::pin(async move {
                tenants::insert(&mut tx, "half", 1).await?;
                let failed = tags::lock(&mut tx, TagId(1)).await;
                assert!(failed.is_err(), "there is no such table");
                // Like code that replaces the error and continues.
                Ok(())
            })
        });
        let outcome = write.await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "{name}: {outcome:?}");
        assert_eq!(tenant_name(&engine).await, None, "{name}: committed behind a failed statement");
    }
}
