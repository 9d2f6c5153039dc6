//! Encrypted connections to PostgreSQL: accepted and refused servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use larkspur_store::StoreError;
use larkspur_store_postgres::{Options, Postgres, Tls};
use larkspur_testkit::postgres::Server;
use larkspur_testkit::run;

use super::Store;

async fn open(url: &str, tls: Tls, ca: Option<&Path>) -> Result<Postgres, StoreError> {
    let options = Options { tls, ca: ca.map(PathBuf::from), ..Options::default() };
    Postgres::open(url, &options).await
}

/// Whether the connection is encrypted, if it succeeds.
async fn encrypted(url: &str, tls: Tls, ca: Option<&Path>) -> Result<bool, String> {
    let driver = open(url, tls, ca).await.map_err(|error| error.to_string())?;
    let store = Store { driver: Arc::new(driver), _directory: None };
    let sql = "SELECT CAST(ssl AS TEXT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let answer = store.read(sql, vec![]).await.remove(0).text(0).expect("text");
    Ok(answer == "true")
}

/// Waits until the server has read its changed settings.
async fn switch(server: &Server, setting: &str, value: &str) {
    server.run("postgres", &format!("ALTER SYSTEM SET {setting} = {value}")).await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    while server.run("postgres", &format!("SHOW {setting}")).await != [value.trim_matches('\'')] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_is_believed_as_far_as_the_settings_say() {
    let server = Server::encrypted(&["fsync=off"]);
    let ca = server.authority();
    let named = server.network_url("larkspur", "localhost", "postgres");
    let numbered = server.network_url("larkspur", "127.0.0.1", "postgres");
    for (url, tls, ca) in [
        (&named, Tls::Prefer, None),
        (&numbered, Tls::Require, None),
        (&format!("{numbered}?sslmode=require"), Tls::Prefer, None),
        (&named, Tls::Verify, Some(&*ca)),
    ] {
        assert_eq!(encrypted(url, tls, ca).await, Ok(true), "{url} {tls:?}");
    }
    assert_eq!(encrypted(&format!("{named}?sslmode=disable"), Tls::Prefer, None).await, Ok(false));
    assert_eq!(encrypted(&server.url("postgres"), Tls::Verify, Some(&ca)).await, Ok(false), "a local socket");

    let beside = tempfile::tempdir().expect("a directory");
    let path = |name: &str| beside.path().join(name).to_string_lossy().into_owned();
    let (key, other) = (path("other.key"), path("other.pem"));
    let made =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let named_so = ["-subj", "/CN=authority", "-keyout", &key, "-out", &other];
    run("openssl", &[&made[..], &named_so[..]].concat());
    for (url, ca, part) in [
        // Another CA of the same name; the system's CAs; the right CA for another name.
        (&named, Some(Path::new(&other)), "invalid peer certificate"),
        (&named, None, "invalid peer certificate: UnknownIssuer"),
        (&numbered, Some(&*ca), "not valid for name"),
    ] {
        let refused = encrypted(url, Tls::Verify, ca).await.expect_err(part);
        assert!(refused.contains("cannot connect to PostgreSQL") && refused.contains(part), "{refused}");
    }

    // A password is bound to the certificate of the connection.
    server.run("postgres", "CREATE ROLE secret LOGIN SUPERUSER PASSWORD 'hunter2'").await;
    let bound = server.network_url("secret:hunter2", "localhost", "postgres?channel_binding=require");
    assert_eq!(encrypted(&bound, Tls::Verify, Some(&ca)).await, Ok(true));

    // A certificate without extensions, of X.509 version 1: only its key is read, in both versions of TLS.
    switch(&server, "ssl_key_file", "'../old.key'").await;
    switch(&server, "ssl_cert_file", "'../old.pem'").await;
    for version in ["TLSv1.2", "TLSv1.3"] {
        switch(&server, "ssl_max_protocol_version", &format!("'{version}'")).await;
        for tls in [Tls::Prefer, Tls::Require] {
            assert_eq!(encrypted(&named, tls, None).await, Ok(true), "{version} {tls:?}");
        }
        let refused = encrypted(&named, Tls::Verify, Some(&ca)).await.expect_err("signed by itself");
        assert!(refused.contains("invalid peer certificate"), "{version}: {refused}");
    }

    switch(&server, "ssl", "off").await;
    assert_eq!(encrypted(&named, Tls::Prefer, None).await, Ok(false));
    for (tls, ca) in [(Tls::Require, None), (Tls::Verify, Some(&*ca))] {
        let refused = encrypted(&named, tls, ca).await.expect_err("not encrypted");
        assert!(refused.contains("does not support TLS"), "{tls:?}: {refused}");
    }
}
