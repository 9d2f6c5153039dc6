//! PostgreSQL's plans for every statement of the product, whatever the statistics: no plan may visit rows in proportion
//! to the tenant's size.
//!
//! The planner relies on statistics, and those of a tenant that has just grown say that it is nearly empty. So each
//! statement is run as the driver runs it, on a tenant with many rows, with four states of the statistics.

use std::sync::Arc;

use larkspur_store::Value;
use larkspur_store_postgres::{Options, PLANNING, Postgres};
use larkspur_testkit::journey;
use larkspur_testkit::postgres::Server;
use larkspur_testkit::{Lab, LabOptions, Recording, World};
use serde_json::json;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::statements::SCANS;

/// Rows in each table of the tenant.
const ROWS: u32 = 15_000;
/// The most rows that a statement may visit: searches read up to 5000 candidates, and each of them once more.
const MOST: u64 = 11_000;
/// Other tenants, each with one row of each table.
const OTHERS: u32 = 1_000;

/// How to fill a table: its rows for `n` in 1…, as the columns that differ from an existing row.
const FILL: &[(&str, &str)] = &[
    ("users", "'user_id', 'x'||n, 'user_no', n + 1000, 'email', 'e'||n, 'mobile', 'm'||n"),
    ("user_term", "'user_id', 'x'||n, 'term', 'alpha'"),
    ("user_grant", "'user_id', 'x'||n"),
    ("app_visible_user", "'user_id', 'x'||n"),
    ("chat", "'chat_id', 'oc_'||md5(n::text), 'name', 'alpha '||n"),
    (
        "chat_member",
        "'chat_id', 'oc_'||md5(n::text), 'member', ':app', 'joined_at', n, 'listed', 1, 'chat_created_at', n, 'chat_active_at', n",
    ),
    (
        "chat_member",
        "'chat_id', 'oc_'||md5(n::text), 'member', ':user', 'joined_at', n, 'listed', 1, 'chat_created_at', n, 'chat_active_at', n",
    ),
    ("chat_member", "'chat_id', ':chat', 'member', 'x'||n, 'joined_at', n"),
    ("chat_pending", "'chat_id', ':chat', 'member', 'x'||n"),
    ("chat_moderator", "'chat_id', ':chat', 'member', 'x'||n"),
    ("chat_name_lock", "'name', 'alpha'||n"),
    ("chat_tab", "'chat_id', 'oc_'||md5(n::text), 'tab_id', n"),
    ("chat_menu", "'chat_id', 'oc_'||md5(n::text), 'menu_id', n"),
    ("chat_announcement", "'chat_id', 'oc_'||md5(n::text)"),
    ("chat_announcement_edit", "'chat_id', 'oc_'||md5(n::text)"),
    ("docx_announcement", "'chat_id', 'oc_'||md5(n::text)"),
    ("docx_block", "'chat_id', 'oc_'||md5((n / 10)::text), 'block_id', 'b'||n"),
    ("docx_media", "'file_token', 't'||n"),
    ("docx_block_past", "'chat_id', 'oc_'||md5((n / 10)::text), 'block_id', 'b'||n"),
    (
        "chat_term",
        "'chat_id', 'oc_'||md5(n::text), 'term', 'alpha', 'is_open', 0, 'created_at', n, 'words', :words",
    ),
    (
        "chat_term",
        "'chat_id', 'oc_'||md5(n::text), 'term', 'beta', 'is_open', 0, 'created_at', n, 'words', :words",
    ),
    (
        "chat_term",
        "'chat_id', 'oc_'||md5((-n)::text), 'term', 'alpha', 'is_open', 1, 'created_at', n, 'words', :words",
    ),
    ("chat_link", "'chat_id', 'oc_'||md5(n::text), 'token', 't'||n"),
    ("chat_hold", "'chat_id', 'oc_'||md5(n::text)"),
    ("chat_hook", "'hook_no', n, 'chat_id', 'oc_'||md5(n::text)"),
    ("chat_top_notice", "'chat_id', 'oc_'||md5(n::text)"),
    ("message_reaction", "'number', n, 'message', n, 'operator', 'x'||n, 'created_at', n"),
    ("message_read", "'message', n, 'reader', 'x'||n, 'read_at', n"),
    ("message_read", "'message', -n"),
    ("batch_message", "'batch_id', 'bm-'||md5(n::text)"),
    ("batch_part", "'message', n, 'batch_id', 'bm-'||md5((n / 100)::text), 'user_id', 'x'||n"),
    ("urgent", "'message', n, 'user_id', ':user', 'kind', 'app'"),
    ("follow_up", "'message', n"),
    ("pin", "'message', n, 'chat_id', ':chat', 'number', n, 'created_at', n"),
    ("message", "'number', n, 'chat_id', ':chat', 'created_at', n, 'place', 0, 'thread_id', '', 'bundle', 0"),
    ("message", "'number', n, 'chat_id', ':chat', 'created_at', n, 'place', 0, 'thread_id', '', 'bundle', 0"),
    (
        "message",
        "'number', -n, 'chat_id', ':chat', 'created_at', n, 'place', 1, 'thread_id', 'omt_0000000000000001', 'bundle', 0",
    ),
    (
        "message",
        "'number', -n - 1000000, 'chat_id', ':chat', 'created_at', n, 'place', 2, 'thread_id', '', 'bundle', n / 100 + 1",
    ),
    ("message_uuid", "'name', 'n'||n, 'until', 4102444800000"),
    ("tag", "'tag_id', n, 'name', 'alpha'||n"),
    ("chat_tag_binding", "'chat_id', 'oc_'||md5(n::text), 'tag_id', n"),
    ("card", "'card_id', n, 'message', 0"),
    ("card_token", "'token', 't'||n, 'expires_at', 4102444800000"),
    ("ephemeral_card", "'number', n, 'chat_id', ':chat', 'user_id', 'x'||n"),
    ("own_card", "'message', n, 'reader', 'x'||n, 'reader_no', n"),
    ("image", "'image_key', 'img_'||n, 'content_hash', 'h'||n, 'content', ''"),
    ("stored_file", "'file_key', 'file_'||n, 'content_hash', 'h'||n, 'content', ''"),
    ("blob", "'content_hash', 'h'||n"),
    ("document", "'token', 't'||n"),
    ("document_member", "'token', 't'||n"),
    ("idempotency", "'name', 'n'||n"),
    ("oauth_code", "'code_hash', 'h'||n, 'expires_at', 4102444800000"),
    ("oauth_refresh", "'token_hash', 'h'||n, 'expires_at', 4102444800000"),
    ("callback_relay", "'id', 'r'||n, 'server', 's'||n, 'lease_until', 0"),
    ("app_connection", "'app_id', 'cli_'||n, 'server', 's'||n, 'lease_until', 0"),
    (
        "event_delivery",
        "'event_id', 'e'||n, 'number', n, 'app_id', 'cli_'||(n / 100), 'due_at', 4102444800000, 'state', 'waiting', 'lease_until', 0, 'attempts', 1",
    ),
    (
        "event_delivery",
        "'event_id', 'e'||n, 'number', -n, 'app_id', 'cli_'||(n / 100), 'due_at', 0, 'state', 'delivered', 'lease_until', 0, 'attempts', 1",
    ),
];

/// Creates `count` rows in each table for the tenant `tenant`, an expression over `n`.
fn fill(world: &World, tenant: &str, count: u32) -> String {
    let mut sql = String::new();
    for (table, columns) in FILL {
        let columns = columns
            .replace(":app", &world.app_id)
            .replace(":user", &world.users[0].user_id)
            .replace(":chat", &world.chat_id)
            .replace(":words", "chr(10)||'alpha '||chr(10)||'beta'");
        sql.push_str(&format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(like_it.t, jsonb_build_object('tenant', {tenant}, {columns}))).* \
             FROM (SELECT t FROM {table} t LIMIT 1) like_it, generate_series(1, {count}) n ON CONFLICT DO NOTHING;\n"
        ));
    }
    sql
}

/// A database after a journey through all operations, and its statements.
struct Database {
    url: String,
    client: Client,
    statements: Vec<(String, Vec<Value>)>,
    world: World,
}

/// A session as the driver opens it.
async fn session(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.batch_execute(PLANNING).await.expect("the settings of a session");
    client
}

impl Database {
    async fn new(server: &Server, name: &str) -> Database {
        server.run("postgres", &format!("CREATE DATABASE {name}")).await;
        let url = server.url(name);
        let driver = Arc::new(Postgres::open(&url, &Options::default()).await.expect("the database opens"));
        let recording = Recording::over(driver);
        let lab = Lab::with(LabOptions { driver: Some(recording.clone()), ..LabOptions::default() }).await;
        let world = lab.world().await;
        common_names(&world).await;
        // The last chat of the journey is dissolved in the end, so that the statements that create it can be run again.
        journey(&lab).await;
        calls(&world).await;
        let client = session(&url).await;
        let statements = recording.statements().into_iter().filter(|(sql, _)| is_checked(sql)).collect();
        Database { url, client, statements, world }
    }

    async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Creates rows in each table for the tenant `tenant`, an expression over `n`.
    async fn fill(&self, tenant: &str, count: u32) {
        self.run(&fill(&self.world, tenant, count)).await;
    }

    /// A session in which every statement was prepared and run once: from now on its plan is kept.
    async fn prepared(&self) -> Client {
        let client = session(&self.url).await;
        let mut script = String::new();
        for (number, (sql, params)) in self.statements.iter().enumerate() {
            let values = values(params, &self.world.tenant_key);
            script.push_str(&format!(
                "PREPARE s{number} AS {sql}; BEGIN; EXECUTE s{number}{values}; ROLLBACK;\n"
            ));
        }
        client.batch_execute(&script).await.expect("every statement runs");
        client
    }

    /// The statements that visit too many rows of a tenant, with the number.
    async fn visits(&self, client: &Client, tenant: &str, state: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, (sql, params)) in self.statements.iter().enumerate() {
            let values = values(params, tenant);
            let explain = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON)";
            let answer = client.simple_query(&format!("BEGIN; {explain} EXECUTE s{number}{values}")).await;
            let found = answer.unwrap_or_else(|error| panic!("{sql} {params:?}: {error:?}"));
            client.batch_execute("ROLLBACK").await.expect("rolled back");
            let text: String = found
                .iter()
                .filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                })
                .collect();
            let plan: serde_json::Value = serde_json::from_str(&text).expect("a plan");
            let visited = visited(&plan[0]["Plan"]);
            if visited > MOST {
                wrong.push(format!("{state}: {visited} rows: {sql}\n{}", outline(&plan[0]["Plan"], 1)));
            }
        }
        wrong
    }
}

/// Parameters in parentheses, with the tenant replaced.
pub(super) fn values(params: &[Value], tenant: &str) -> String {
    let text = |(index, value): (usize, &Value)| match value {
        Value::Text(text) if index == 0 && is_tenant(text) => format!("'{tenant}'"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Int(number) => number.to_string(),
        Value::Null => "NULL".to_owned(),
        Value::Bytes(_) => r"'\x00'".to_owned(),
    };
    let texts: Vec<String> = params.iter().enumerate().map(text).collect();
    if texts.is_empty() { String::new() } else { format!("({})", texts.join(", ")) }
}

fn is_tenant(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a statement must not visit all rows of a tenant.
fn is_checked(sql: &str) -> bool {
    let reads_or_changes =
        ["SELECT ", "UPDATE ", "DELETE ", "WITH ", "INSERT "].iter().any(|verb| sql.starts_with(verb));
    let deletes_a_tenant = sql.starts_with("DELETE FROM ") && sql.ends_with(" WHERE tenant = $1");
    // Such a statement reads no rows, and cannot be run twice.
    let adds =
        sql.starts_with("INSERT ") && !["ON CONFLICT", "SELECT "].iter().any(|word| sql.contains(word));
    // A restore deletes runs of rows, and visits no others.
    let deletes_a_run = sql.starts_with("DELETE FROM ") && sql.contains(") >= ($2");
    let migrates = larkspur_store::migrations().flatten().any(|migration| migration == *sql);
    reads_or_changes
        && !deletes_a_tenant
        && !deletes_a_run
        && !adds
        && !migrates
        && !SCANS.iter().any(|(_, part)| sql.contains(part))
}

/// The rows that a plan has read from tables, including those that it filtered out.
pub(super) fn visited(plan: &serde_json::Value) -> u64 {
    let number = |name: &str| plan[name].as_f64().unwrap_or(0.0);
    let is_scan = plan["Node Type"].as_str().is_some_and(|kind| kind.contains("Scan"))
        && plan["Relation Name"].is_string()
        || plan["Node Type"] == "Bitmap Index Scan";
    let rows =
        number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    let own = if is_scan { rows * number("Actual Loops") } else { 0.0 };
    let below: u64 = plan["Plans"].as_array().into_iter().flatten().map(visited).sum();
    let own = own.round() as u64;
    own + below
}

fn outline(plan: &serde_json::Value, depth: usize) -> String {
    let mut text = format!(
        "{}{} {} {} rows {} loops {} removed {} cond {} filter {}\n",
        "  ".repeat(depth),
        plan["Node Type"],
        plan["Relation Name"],
        plan["Index Name"],
        plan["Actual Rows"],
        plan["Actual Loops"],
        plan["Rows Removed by Filter"],
        plan["Index Cond"],
        plan["Filter"],
    );
    for below in plan["Plans"].as_array().into_iter().flatten() {
        text.push_str(&outline(below, depth + 1));
    }
    text
}

/// Makes two words so common, and the caller a member of so many chats, that a search for both intersects their rows.
async fn common_names(world: &World) {
    let name: String = ('a'..='p').map(|letter| format!("alpha {letter} beta {letter} ")).collect();
    for _ in 0..105 {
        world.chat(json!({"name": name, "members": [world.app_id]})).await;
    }
}

/// Calls whose statements run with parameters that match much.
async fn calls(world: &World) {
    let token = world.user_token(0, json!({})).await;
    let tags: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
    world.call("GET", "/im/v2/tags").query("ids", &tags.join(",")).send().await.data();
    for by in ["ByCreateTimeAsc", "ByActiveTimeDesc"] {
        world.call("GET", "/im/v1/chats").query("sort_type", by).send().await.data();
    }
    for query in ["alpha", "alpha beta", "Ada"] {
        for token in [&world.token, &token] {
            let request = world.call("GET", "/im/v1/chats/search").token(token).query("query", query);
            request.send().await.data();
            let body = json!({"query": query});
            world.call("POST", "/im/v2/chats/search").token(token).body(body).send().await.data();
        }
    }
    let members = format!("/im/v1/chats/{}/members", world.chat_id);
    world.call("GET", &members).send().await.data();
    world.call("GET", &format!("/im/v1/chats/{}/moderation", world.chat_id)).send().await.data();
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
}

#[tokio::test]
async fn no_plan_visits_rows_in_proportion_to_the_tenant() {
    let settings = ["fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"];
    let server = Server::start(&settings);
    let others = "substr(md5('o'||n), 1, 16)";
    let mut wrong = Vec::new();

    // Plans from an empty database; then without statistics; then with full statistics.
    let database = Database::new(&server, "grown").await;
    let tenant = database.world.tenant_key.clone();
    let session = database.prepared().await;
    database.fill(others, OTHERS).await;
    database.fill(&format!("'{tenant}'"), ROWS).await;
    // As a server does every few seconds.
    session.batch_execute("DISCARD PLANS").await.expect("discarded");
    wrong.extend(database.visits(&session, &tenant, "planned while empty").await);
    wrong.extend(database.visits(&database.prepared().await, &tenant, "never analyzed").await);
    database.run("ANALYZE").await;
    wrong.extend(database.visits(&database.prepared().await, &tenant, "analyzed").await);

    // A tenant that has grown since the last ANALYZE, among small ones; then another one, next to a giant.
    let database = Database::new(&server, "stale").await;
    let tenant = database.world.tenant_key.clone();
    database.fill(others, OTHERS).await;
    database.run("ANALYZE").await;
    database.fill(&format!("'{tenant}'"), ROWS).await;
    wrong.extend(database.visits(&database.prepared().await, &tenant, "grown since").await);
    database.run("ANALYZE").await;
    let newcomer = "00000000000000aa";
    database.fill(&format!("'{newcomer}'"), ROWS).await;
    wrong.extend(database.visits(&database.prepared().await, newcomer, "new beside a giant").await);

    assert!(wrong.is_empty(), "{} plans:\n{}", wrong.len(), wrong.join("\n"));
}
