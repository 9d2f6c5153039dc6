//! Every statement of the product, from a journey through all operations: each can be prepared, and none scans a whole
//! table or a whole tenant.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_server::blobs::Objects;
use larkspur_store::blobs::{self, BlobKey, Blobs};
use larkspur_store::{BoxFuture, Driver, Session, StoreError, Unit, Value, Verdict};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::source::{has_word, rust};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Recording, journey};
use serde_json::json;

/// Statements that have to scan: the reason, and a part of their text.
pub(crate) const SCANS: &[(&str, &str)] = &[
    ("forgets files that were removed", "FROM blob WHERE state = 'gone' AND since < $1"),
    ("asks whether any file is kept apart", "SELECT 1 FROM blob LIMIT 1"),
    ("looks for files that are missing", "FROM image WHERE content_hash IS NOT NULL"),
    ("looks for files that are missing", "content_hash FROM snapshot_blob"),
    (
        "finds the tables in which a world has rows, the first one of each",
        "SELECT * FROM (SELECT CAST(0 AS BIGINT)",
    ),
    (
        "reads all of a world, to save it, to put it back or to compare it",
        " WHERE tenant = $1 ORDER BY tenant, ",
    ),
    (
        "adds up the images of a world that was given a quota, off an index",
        "SUM(size), 0) AS BIGINT) FROM image",
    ),
    (
        "adds up the files of a world that was given a quota, off an index",
        "SUM(size), 0) AS BIGINT) FROM stored_file",
    ),
    ("lists every world", "FROM tenant ORDER BY tenant"),
    ("finds the chat that a seed names", "FROM chat WHERE tenant = $1 AND name = $2 AND chat_status = $3"),
    ("counts at most 10,000 rows of a world in each table", "LIMIT 10001) counted"),
    ("asks whether there is a world", "SELECT 1 FROM tenant LIMIT 1"),
    (
        "removes an app from every tenant when its developer's world is deleted",
        "DELETE FROM app_visible_user WHERE app_id = $1",
    ),
    (
        "removes an app from every tenant when its developer's world is deleted",
        "DELETE FROM token_issue WHERE app_id = $1",
    ),
    (
        "removes an app from every tenant when its developer's world is deleted",
        "DELETE FROM user_grant WHERE app_id = $1",
    ),
    ("lists the apps of a tenant", "FROM app_install WHERE tenant = $1 ORDER BY app_id"),
    ("lists the apps of a developer", "FROM app WHERE tenant = $1 ORDER BY app_id"),
    ("finds the apps that a restore removes", "SELECT app_id FROM app WHERE tenant = $1"),
    (
        "lists how often the rules of a world were used",
        "FROM fault_count WHERE tenant = $1 ORDER BY fault_id",
    ),
    ("lists the users of a world", "FROM users WHERE tenant = $1 ORDER BY user_id"),
    ("deletes a user, by the control API", "DELETE FROM app_visible_user WHERE tenant = $1 AND user_id = $2"),
    ("deletes a user, by the control API", "DELETE FROM document_member WHERE tenant = $1 AND member = $2"),
    ("deletes a user, by the control API", "UPDATE document SET owner = '' WHERE tenant = $1 AND owner = $2"),
    ("deletes a user, by the control API", "DELETE FROM user_grant WHERE tenant = $1 AND user_id = $2"),
    (
        "deletes a user, by the control API",
        "SELECT chat_id FROM chat_pending WHERE tenant = $1 AND member = $2",
    ),
    ("gives a user_id that was in use before", "DELETE FROM oauth_code WHERE tenant = $1 AND user_id = $2"),
    (
        "gives a user_id that was in use before",
        "DELETE FROM oauth_refresh WHERE tenant = $1 AND user_id = $2",
    ),
    ("finds users by a part of their name, for the authorize page", "AND name_folded LIKE $2"),
    ("finds a node number that is free among at most 1024", "FROM node_lease ORDER BY node_no"),
    (
        "moves the clock of a world: what is to be sent again moves with it",
        "UPDATE event_delivery SET due_at = due_at - CAST($2 AS BIGINT)",
    ),
    (
        "moves the clock of a world: a row for each ISV app with an address",
        "UPDATE app_events SET ticket_at = CASE",
    ),
    (
        "looks for apps that receive events and are not known to: one row for each app of the tenant with an address",
        "FROM app_events WHERE tenant = $1 AND (state = 'verified'",
    ),
    (
        "finds the apps of a tenant that are told of events: a row for each of them",
        "FROM event_subscriber s JOIN app_install",
    ),
    (
        "sweeps the counts of a tenant: one for each app and operation that it called lately",
        "DELETE FROM call_count WHERE tenant = $1 AND (app_id, operation) IN",
    ),
    (
        "sweeps the connections of a tenant: a row for each app and server",
        "DELETE FROM app_connection WHERE tenant = $1 AND (app_id, server) IN",
    ),
    (
        "sweeps the callbacks of a tenant that servers passed on: those of the last seconds, and few others",
        "DELETE FROM callback_relay WHERE tenant = $1 AND id IN",
    ),
];

struct Explain(String, Vec<Value>, std::sync::Mutex<Vec<String>>);

impl Unit for Explain {
    fn run(&self, mut session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let rows = session.query(&format!("EXPLAIN QUERY PLAN {}", self.0), &self.1).await?;
            for mut row in rows {
                self.2.lock().expect("not poisoned").push(row.text(3)?);
            }
            Ok(Verdict::Rollback)
        })
    }
}

/// The lines of the plan that scan a table, or a tenant's part of it.
async fn scans(driver: &dyn Driver, sql: &str, params: Vec<Value>) -> Vec<String> {
    let unit = Arc::new(Explain(sql.to_owned(), params, std::sync::Mutex::default()));
    driver.transact(Effect::Writes, unit.clone()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let plan = std::mem::take(&mut *unit.2.lock().expect("not poisoned"));
    // Results that a subquery limits may be scanned, and so may given values.
    let bounded = |name: &str| {
        let given =
            ["CONSTANT ROW", "CONSTANT ROWS", "-ROW VALUES CLAUSE"].iter().any(|end| name.ends_with(end));
        given
            || plan.iter().any(|line| {
                ["CO-ROUTINE ", "MATERIALIZE "].iter().any(|kind| line.strip_prefix(kind) == Some(name))
            })
    };
    let scan = |line: &&String| {
        // The directories of tenants have one row per tenant.
        line.strip_prefix("SCAN ").is_some_and(|name| !bounded(name))
            || (line.ends_with("(tenant=?)")
                && !["SEARCH tenant ", "SEARCH event_due "].iter().any(|table| line.starts_with(table)))
    };
    plan.iter().filter(scan).cloned().collect()
}

#[tokio::test]
async fn every_statement_prepares_and_none_scans_all_rows() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let recording = Recording::over(sqlite.clone());
    let lab = Lab::with(LabOptions { driver: Some(recording.clone()), ..LabOptions::default() }).await;
    journey(&lab).await;
    let files = Objects::open("memory:").expect("files in memory");
    let key = BlobKey::of(TenantKey(7), b"content");
    files.put(&key, b"content".as_slice().into()).await.expect("kept");
    blobs::sweep(lab.app.engine(), &*files, 0, u64::MAX).await.expect("swept");
    let mut statements = recording.statements();
    let written = written();
    // Statements that no operation runs are checked if their text is complete in the source; the others must have been
    // run.
    for sql in written.iter().filter(|sql| !sql.contains('{')) {
        let parameters = (1..=99).take_while(|number| has_word(sql, &format!("${number}"))).count();
        statements.entry(sql.clone()).or_insert_with(|| vec![Value::Null; parameters]);
    }
    let mut wrong = Vec::new();
    for (sql, params) in &statements {
        if larkspur_store::migrations().flatten().any(|migration| migration == *sql) {
            continue;
        }
        if sql.starts_with("CREATE ") || sql.starts_with("INSERT ") || sql.contains(" meta ") {
            continue;
        }
        let found = scans(&*sqlite, sql, params.clone()).await;
        let deletes_a_tenant = sql.starts_with("DELETE FROM ")
            && sql.ends_with(" WHERE tenant = $1")
            && !["DELETE FROM tenant ", "DELETE FROM event_due "].iter().any(|start| sql.starts_with(start));
        let allowed = deletes_a_tenant || SCANS.iter().any(|(_, part)| sql.contains(part));
        if allowed == found.is_empty() {
            wrong.push(format!("{sql}\n    {found:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "statements that scan, or that are allowed to and do not:\n{}",
        wrong.join("\n")
    );
    // Statements for shared stores only are covered by the tests on PostgreSQL.
    let here = |text: &&String| !text.contains("FOR KEY SHARE");
    let unseen: Vec<&String> =
        written.iter().filter(here).filter(|text| !statements.keys().any(|sql| fits(text, sql))).collect();
    assert!(unseen.is_empty(), "statements with gaps that the journey does not run: {unseen:#?}");
}

/// The statements in the source. `{…}` in them matches anything.
fn written() -> Vec<String> {
    // A copy reads all of a store; PostgreSQL's and Citus's own tables exist only there.
    let apart = ["/copy.rs", "/citus.rs", "/rights.rs", "/tenant_locks.rs"];
    let here =
        |source: &larkspur_testkit::source::Source| !apart.iter().any(|name| source.path.ends_with(name));
    let sources = rust("crates/store/src").into_iter().filter(here);
    let texts = sources.flat_map(|source| source.strings);
    let verbs = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
    texts.filter(|text| verbs.iter().any(|verb| text.starts_with(verb))).collect()
}

fn fits(pattern: &str, sql: &str) -> bool {
    let mut rest = sql;
    for (index, part) in pattern.split('{').enumerate() {
        let fixed = if index == 0 { part } else { part.split_once('}').map_or("", |(_, fixed)| fixed) };
        let Some(at) = rest.find(fixed).filter(|at| index > 0 || *at == 0) else { return false };
        rest = &rest[at + fixed.len()..];
    }
    true
}

/// However many members a chat has, a page of them reads only that page's rows: the index has their order.
#[tokio::test]
async fn a_page_of_members_is_read_off_the_index() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let recording = Recording::over(sqlite.clone());
    let lab = Lab::with(LabOptions { driver: Some(recording.clone()), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let path = format!("/im/v1/chats/{}/members?page_size=1", world.chat_id);
    world.call("GET", &path).send().await.data();
    let pages: Vec<_> = recording
        .statements()
        .into_iter()
        .filter(|(sql, _)| sql.starts_with("SELECT member, joined_at "))
        .collect();
    assert_eq!(pages.len(), 2, "a page, and those who joined at the same time as its last: {pages:?}");
    for (sql, params) in pages {
        let unit = Arc::new(Explain(sql.clone(), params, std::sync::Mutex::default()));
        sqlite.transact(Effect::Writes, unit.clone()).await.expect("a plan");
        let plan = unit.2.lock().expect("not poisoned").join("; ");
        assert!(plan.contains("USING COVERING INDEX chat_member_by_time"), "{sql}: {plan}");
        assert!(plan.contains("joined_at") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

/// However many chats there are, lists and searches start where their page starts: no table is scanned, and nothing is
/// sorted, since there is an index in each order. The limited result of a subquery is an exception.
#[tokio::test]
async fn lists_and_searches_are_read_off_an_index() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    drop(Lab::with(LabOptions { driver: Some(sqlite.clone()), ..LabOptions::default() }).await);
    let modules = [
        larkspur_store::listing::STATEMENTS,
        larkspur_store::members::STATEMENTS,
        larkspur_store::messages::STATEMENTS,
        larkspur_store::message_order::STATEMENTS,
        larkspur_store::chat_search::STATEMENTS,
        larkspur_store::moderation::STATEMENTS,
        larkspur_store::batches::STATEMENTS,
        larkspur_store::pins::STATEMENTS,
        larkspur_store::urgents::STATEMENTS,
        larkspur_store::reactions::STATEMENTS,
        larkspur_store::reads::STATEMENTS,
        larkspur_store::retention::STATEMENTS,
        larkspur_store::chats::STATEMENTS,
        larkspur_store::directory::STATEMENTS,
        larkspur_store::ephemeral::STATEMENTS,
        larkspur_store::own_cards::STATEMENTS,
        larkspur_store::docx::STATEMENTS,
        larkspur_store::docx_media::STATEMENTS,
        larkspur_store::oauth::STATEMENTS,
    ];
    let mut wrong = Vec::new();
    for sql in modules.concat() {
        let parameters = (1..=9).take_while(|number| has_word(sql, &format!("${number}"))).count();
        let unit =
            Arc::new(Explain(sql.to_owned(), vec![Value::Null; parameters], std::sync::Mutex::default()));
        sqlite.transact(Effect::Writes, unit.clone()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let plan = std::mem::take(&mut *unit.2.lock().expect("not poisoned"));
        let of_a_subquery = |index: usize| index > 0 && plan[index - 1] == "SCAN o";
        let sorted = |index: usize| plan[index].contains("TEMP B-TREE") && !of_a_subquery(index);
        let bad = |index: usize| sorted(index) || plan[index].ends_with("(tenant=?)");
        let tables = larkspur_store::tenants::TABLES;
        let scans = |line: &&String| {
            line.strip_prefix("SCAN ").is_some_and(|rest| tables.iter().any(|table| has_word(rest, table)))
        };
        if (0..plan.len()).any(bad)
            || plan.iter().any(|line| scans(&line))
            || sql.matches(") o ").count()
                != sql.matches("LIMIT 5000) o ").count() + sql.matches("LIMIT 1000) o ").count()
            || !plan.iter().any(|line| line.contains("INDEX"))
        {
            wrong.push(format!("{sql}\n    {}", plan.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// However many people a call names, up to the length of a list, it takes the same number of statements.
#[tokio::test]
async fn a_call_that_names_many_takes_no_more_statements_than_one_that_names_few() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let recording = Recording::over(sqlite);
    // A clock that stands still: what a chat records of its activity depends on the time.
    let clock = ManualClock::at(1_700_000_000_000);
    let options = LabOptions { driver: Some(recording.clone()), clock, ..LabOptions::default() };
    let lab = Lab::with(options).await;
    let world = lab.world().await;
    let mut people = Vec::new();
    for number in 0..50 {
        let user_id = format!("user{number:03}");
        world.control("POST", "/users").body(json!({"user_id": user_id})).send().await.data();
        people.push(user_id);
    }
    let all = [people.clone(), vec![world.users[0].user_id.clone()]].concat();
    world.set_app(&world.app_id, json!({"visible_to": all})).await;
    let chat = world.chat(json!({"creator_app": world.app_id, "members": [world.app_id]})).await;
    let approval = json!({"creator_app": world.app_id, "members": [world.app_id], "settings": {"membership_approval": "approval_required"}});
    let gate = world.chat(approval).await;
    let owner = json!({"owner": world.users[0].user_id, "members": people});
    let (managed, token) = (world.chat(owner).await, world.user_token(0, json!({})).await);

    let strangers: Vec<String> = (0..50u128).map(|number| format!("ou_{number:032x}")).collect();
    let run = async |what: &str, many: usize| {
        let ids = &people[..many];
        let (list, query) = (json!({"id_list": ids}), "member_id_type=user_id");
        let request = match what {
            "add" => world.call("POST", &format!("/im/v1/chats/{chat}/members?{query}")).body(list),
            "invite" => world.call("POST", &format!("/im/v1/chats/{gate}/members?{query}")).body(list),
            "remove" => world.call("DELETE", &format!("/im/v1/chats/{chat}/members?{query}")).body(list),
            "name strangers" => world
                .call("POST", &format!("/im/v1/chats/{chat}/members?succeed_type=1"))
                .body(json!({"id_list": strangers[..many]})),
            "let speak" => world
                .call("PUT", &format!("/im/v1/chats/{chat}/moderation?user_id_type=user_id"))
                .body(json!({"moderation_setting": "moderator_list", "moderator_added_list": ids})),
            "silence" => world
                .call("PUT", &format!("/im/v1/chats/{chat}/moderation?user_id_type=user_id"))
                .body(json!({"moderator_removed_list": ids})),
            "create" => {
                world.call("POST", "/im/v1/chats?user_id_type=user_id").body(json!({"user_id_list": ids}))
            }
            "appoint" => world
                .call("POST", &format!("/im/v1/chats/{managed}/managers/add_managers?{query}"))
                .token(&token)
                .body(json!({"manager_ids": ids})),
            "dismiss" => world
                .call("POST", &format!("/im/v1/chats/{managed}/managers/delete_managers?{query}"))
                .token(&token)
                .body(json!({"manager_ids": ids})),
            other => panic!("{other}"),
        };
        let before = recording.runs();
        request.send().await.data();
        recording.runs() - before
    };
    for (what, many) in [
        ("add", 50),
        ("let speak", 50),
        ("silence", 50),
        ("remove", 50),
        ("invite", 50),
        ("name strangers", 50),
        ("create", 50),
        ("appoint", 10),
        ("dismiss", 10),
    ] {
        // The first one fills memory. Existing members are skipped.
        run(what, 1).await;
        let (cheap, dear) = (run(what, 3).await, run(what, many).await);
        assert!(dear <= cheap, "{what}: 3 ids take {cheap} statements, {many} take {dear}");
    }
}
