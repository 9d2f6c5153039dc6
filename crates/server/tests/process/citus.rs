//! Tables distributed by Citus. No package contains the engine: functions and tables with its names stand in for it.
//! They record their arguments and refuse what Citus refuses.

use std::collections::BTreeMap;
use std::process::Command;

use larkspur_store::tenants::TABLES;
use larkspur_testkit::postgres::Server;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::sign_in;
use crate::support::program::{Program, binary};

const STAND_INS: &str = r#"
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL, partkey text,
    colocationid int NOT NULL, repmodel "char" NOT NULL);
CREATE TABLE pg_dist_shard (shardid bigserial, logicalrelid regclass NOT NULL);
CREATE TABLE pg_dist_node (groupid int, noderole text, isactive bool, shouldhaveshards bool);
INSERT INTO pg_dist_node VALUES (0, 'primary', TRUE, FALSE), (1, 'primary', TRUE, TRUE), (2, 'primary', TRUE, TRUE),
    (2, 'secondary', TRUE, TRUE), (3, 'primary', FALSE, TRUE);

CREATE FUNCTION must_be_free(name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name) THEN
        RAISE EXCEPTION 'table "%" is already distributed', name;
    END IF;
END $$;

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM must_be_free(table_name);
    INSERT INTO pg_dist_partition VALUES (table_name, 'n', NULL, 1, 't');
    INSERT INTO pg_dist_shard (logicalrelid) VALUES (table_name);
END $$;

CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own_group int;
    shards int := COALESCE(shard_count, 32);
BEGIN
    PERFORM must_be_free(table_name);
    IF EXISTS (SELECT FROM pg_index i WHERE i.indrelid = table_name AND i.indisunique AND NOT EXISTS (
        SELECT FROM pg_attribute a
        WHERE a.attrelid = table_name AND a.attname = distribution_column AND a.attnum = ANY (i.indkey::int2[])))
    THEN
        RAISE EXCEPTION 'cannot create constraint on "%"', table_name;
    END IF;
    IF colocate_with IN ('default', 'none') THEN
        own_group := 100 + (SELECT COUNT(*) FROM pg_dist_partition);
    ELSE
        IF shard_count IS NOT NULL THEN
            RAISE EXCEPTION 'Cannot use colocate_with with a table and shard_count at the same time';
        END IF;
        SELECT colocationid INTO STRICT own_group FROM pg_dist_partition
            WHERE logicalrelid = colocate_with::regclass AND partmethod = 'h';
        SELECT COUNT(*) INTO shards FROM pg_dist_shard WHERE logicalrelid = colocate_with::regclass;
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, 'h', distribution_column, own_group, 's');
    INSERT INTO pg_dist_shard (logicalrelid) SELECT table_name FROM generate_series(1, shards);
END $$;

CREATE FUNCTION refuse_attribute_options() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    found text[] := regexp_match(current_query(), '^ALTER TABLE (\w+) ALTER COLUMN \w+ SET \(');
BEGIN
    IF found IS NOT NULL AND EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(found[1])) THEN
        RAISE EXCEPTION 'alter table command is currently unsupported' USING ERRCODE = '0A000';
    END IF;
END $$;
CREATE EVENT TRIGGER as_citus_does ON ddl_command_start WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION refuse_attribute_options();
"#;

const GROUPS: &str = "SELECT c.relname || ' ' || CAST(p.partmethod AS TEXT) || ' ' || p.colocationid || ' ' || COALESCE(p.partkey, '-') || ' ' \
     || (SELECT COUNT(*) FROM pg_dist_shard s WHERE s.logicalrelid = c.oid) \
     FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid ORDER BY 1";

struct Cluster {
    server: Server,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    fn new(with_citus: bool) -> Cluster {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let cluster = Cluster { server: Server::start(&[]), runtime };
        if with_citus {
            cluster.run(STAND_INS);
        }
        cluster
    }

    fn run(&self, sql: &str) -> Vec<String> {
        self.runtime.block_on(self.server.run("postgres", sql))
    }

    fn url(&self) -> String {
        self.server.url("postgres")
    }

    fn larkspur(&self, arguments: &[&str]) -> (bool, String) {
        let output =
            Command::new(binary()).args(arguments).env_clear().env("LARKSPUR_STORE", self.url()).output();
        let output = output.expect("it runs");
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
    }

    /// By table: how it is distributed, as `h 100 tenant 8`.
    fn lay(&self) -> BTreeMap<String, String> {
        let lines = self.run(GROUPS).into_iter();
        lines
            .filter_map(|line| line.split_once(' ').map(|(table, lies)| (table.to_owned(), lies.to_owned())))
            .collect()
    }

    /// Every table is colocated with `tenant`, or has a full copy on every server.
    fn is_whole(&self, shards: u32) {
        let lay = self.lay();
        let beside = &lay["tenant"];
        assert!(beside.ends_with(&format!(" tenant {shards}")), "{beside}");
        for table in TABLES.iter().copied().chain(["job_slot", "meta", "node_lease"]) {
            let lies = lay.get(table).unwrap_or_else(|| panic!("{table} is on the coordinator alone"));
            let whole = ["app", "job_slot", "meta", "node_lease"].contains(&table);
            assert_eq!(lies, if whole { "n 1 - 1" } else { beside }, "{table}");
        }
    }
}

#[test]
fn without_citus_it_says_so() {
    let cluster = Cluster::new(false);
    let (done, said) = cluster.larkspur(&["migrate", "--distribute"]);
    assert!(
        !done && said.contains("this database has no Citus") && said.contains("CREATE EXTENSION citus"),
        "{said}"
    );
    let (will_do, said) = cluster.larkspur(&["check"]);
    assert!(will_do && !said.contains("Citus"), "{said}");
    let (done, said) = cluster.larkspur(&["migrate", "--shards", "8"]);
    assert!(!done && said.contains("--distribute"), "{said}");
}

#[test]
fn tables_are_divided_by_tenant_and_served() {
    let cluster = Cluster::new(true);
    // Nothing is distributed without being asked for.
    assert!(cluster.larkspur(&["migrate"]).0);
    assert_eq!(cluster.lay().len(), 0);
    let (done, said) = cluster.larkspur(&["migrate", "--distribute", "--shards", "8"]);
    assert!(done && said.contains("distributed: tenant, "), "{said}");
    cluster.is_whole(8);
    let divided = TABLES.len() - 1;
    let line = format!(
        "Citus: {divided} tables distributed by tenant, 8 shards each on 2 servers; 4 tables replicated to every server (app, job_slot, meta, node_lease)"
    );
    assert!(said.contains(&line), "{said}");
    let (will_do, said) = cluster.larkspur(&["check"]);
    assert!(will_do && said.contains(&line), "{said}");

    // Again, only for what is missing, and not while a server runs.
    let before = cluster.lay();
    let (done, said) = cluster.larkspur(&["migrate", "--distribute"]);
    assert!(done && !said.contains("distributed:") && cluster.lay() == before, "{said}");
    let (done, said) = cluster.larkspur(&["migrate", "--distribute", "--shards", "16"]);
    assert!(
        !done && said.contains("have 8 shards already") && said.contains("alter_distributed_table"),
        "{said}"
    );
    let forget =
        "DELETE FROM pg_dist_partition WHERE logicalrelid IN ('chat_tab'::regclass, 'app'::regclass)";
    cluster.run(forget);
    cluster.run("DELETE FROM pg_dist_shard WHERE logicalrelid IN ('chat_tab'::regclass, 'app'::regclass)");
    let (will_do, said) = cluster.larkspur(&["check"]);
    assert!(!will_do && said.contains("wrongly distributed: chat_tab, app"), "{said}");
    let directory = TempDir::new().expect("a directory");
    let url = cluster.url();
    let program = Program::spawn_at(directory.path(), &["--store".as_ref(), url.as_ref()], "").until_ready();
    let (done, said) = cluster.larkspur(&["migrate", "--distribute"]);
    assert!(!done && said.contains("in use by another larkspur process"), "{said}");
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    client.call(&token, "GET", "/im/v1/chats", &Value::Null).expect("an answer");
    drop(client);
    program.terminate();
    assert!(program.wait().0.success());
    let began = std::time::Instant::now();
    loop {
        let (done, said) = cluster.larkspur(&["migrate", "--distribute"]);
        if done {
            assert!(said.contains("distributed: chat_tab, app\n"), "{said}");
            break;
        }
        assert!(began.elapsed().as_secs() < 20, "{said}");
    }
    assert_eq!(cluster.lay(), before);
}

#[test]
fn a_table_distributed_in_another_way_is_left_alone() {
    let cluster = Cluster::new(true);
    assert!(cluster.larkspur(&["migrate"]).0);
    cluster.run("SELECT CAST(create_distributed_table('chat', 'chat_id') AS TEXT) WHERE FALSE");
    cluster.run("SELECT CAST(create_reference_table('chat') AS TEXT)");
    let (done, said) = cluster.larkspur(&["migrate", "--distribute"]);
    assert!(!done && said.contains("undistribute_table('chat')"), "{said}");
    assert_eq!(cluster.lay().len(), 1, "nothing was done");
}

/// A release with one table less has distributed its tables; the next one creates that table and distributes it.
#[test]
fn a_migration_distributes_the_tables_that_it_makes() {
    let cluster = Cluster::new(true);
    let all: Vec<Vec<String>> = larkspur_store::migrations().collect();
    let made = |statements: &[String]| -> Vec<String> {
        let tables = statements.iter().filter_map(|sql| {
            sql.replace("/* UNLOGGED */ ", "").strip_prefix("CREATE TABLE ").map(str::to_owned)
        });
        tables.filter_map(|rest| rest.split([' ', '(']).next().map(str::to_owned)).collect()
    };
    let last = all
        .iter()
        .rposition(|statements| !made(statements).is_empty())
        .expect("a migration that makes tables");
    cluster.run("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)");
    for statements in &all[..last] {
        cluster.run(&statements.join(";\n"));
    }
    cluster.run(&format!("INSERT INTO meta VALUES ('schema_version', '{last}'), ('master_key', '0123')"));
    cluster.run("SELECT CAST(create_distributed_table('tenant', 'tenant', colocate_with => 'none', shard_count => 4) AS TEXT)");
    for table in all[..last].iter().flat_map(|statements| made(statements)).chain(["meta".to_owned()]) {
        let sql = match table.as_str() {
            "tenant" => continue,
            "app" | "job_slot" | "meta" | "node_lease" => format!("create_reference_table('{table}')"),
            _ => format!("create_distributed_table('{table}', 'tenant', colocate_with => 'tenant')"),
        };
        cluster.run(&format!("SELECT CAST({sql} AS TEXT)"));
    }
    let before = cluster.lay().len();
    let (done, said) = cluster.larkspur(&["migrate"]);
    assert!(done, "{said}");
    assert!(cluster.lay().len() > before);
    cluster.is_whole(4);
}
