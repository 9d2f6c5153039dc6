//! The invariants of ARCHITECTURE.md that no type enforces, checked on the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use larkspur_contract::{Access, codes, rules};
use larkspur_server::REGISTRY;
use larkspur_store::tenants::TABLES;
use larkspur_testkit::source::{Source, has_word, root, rust};

/// Every SQL statement contains one of these.
const SQL: &[&str] =
    &["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX "];

/// The folders of operations.
const OPERATIONS: &[&str] = &["crates/api/src/operations", "crates/control/src/operations"];

fn product() -> Vec<Source> {
    [
        "crates/contract/src",
        "crates/store-sqlite/src",
        "crates/store-postgres/src",
        "crates/api/src",
        "crates/control/src",
        "crates/server/src",
        "crates/testkit/src",
        "xtask/src",
    ]
    .iter()
    .flat_map(|folder| rust(folder))
    .collect()
}

fn is_sql(text: &str) -> bool {
    SQL.iter().any(|word| text.contains(word))
}

#[test]
fn sql_is_written_in_the_store_alone() {
    // Code that checks rows itself or starts servers is not part of the product.
    let kit = [
        "crates/testkit/src/sound.rs",
        "crates/testkit/src/sound/messages.rs",
        "crates/testkit/src/postgres.rs",
    ];
    for source in product().iter().filter(|source| !kit.contains(&source.path.as_str())) {
        for text in &source.strings {
            assert!(!is_sql(text), "{}: {text}", source.path);
        }
    }
    assert!(
        rust("crates/store/src")
            .iter()
            .flat_map(|source| &source.strings)
            .filter(|text| is_sql(text))
            .count()
            > 40
    );
}

/// A text of a code that other texts contain, too.
const COMMON: &str = "not found";

/// Numbers and texts of refusals are in `codes/`, from which every answer takes them. The model has its own numbers,
/// since it must not rely on the product. Numbers below 9000 and multiples of 100000 are too common to be
/// recognized.
#[test]
fn codes_and_their_texts_are_in_one_folder() {
    let numbers: BTreeSet<String> = codes::ALL
        .iter()
        .map(|code| code.number)
        .filter(|number| *number > 9000 && number % 100_000 != 0)
        .map(|n| n.to_string())
        .collect();
    let texts: BTreeSet<&str> = codes::ALL
        .iter()
        .map(|code| code.text)
        .filter(|text| text.contains(' ') && *text != COMMON)
        .collect();
    assert!(numbers.len() > 100 && texts.len() > 100, "codes/ is read");
    let outside = |source: &Source| {
        let own = ["crates/contract/src/codes/", "crates/testkit/"];
        !own.iter().any(|folder| source.path.starts_with(folder)) && !source.path.ends_with("/tests.rs")
    };
    let mut found = Vec::new();
    for source in product().into_iter().chain(rust("crates/store/src")).filter(outside) {
        let plain = source.code.replace('_', "");
        found.extend(
            numbers.iter().filter(|number| has_word(&plain, number)).map(|n| format!("{}: {n}", source.path)),
        );
        for text in &source.strings {
            // A success is written by hand: its code is 0. A number without a text is part of a request.
            let number = |rest: &str| rest.starts_with(|c| ('1'..='9').contains(&c) || c == '{');
            let body = text.split("\"code\":").skip(1).any(number) && text.contains("\"msg\"");
            if body || texts.iter().any(|known| text.contains(known.trim_end_matches(['.', ' ', ':']))) {
                found.push(format!("{}: {text:?}", source.path));
            }
        }
    }
    assert!(found.is_empty(), "codes or texts outside codes/:\n{}", found.join("\n"));
}

#[test]
fn drivers_know_no_table() {
    for source in rust("crates/store-sqlite/src").into_iter().chain(rust("crates/store-postgres/src")) {
        for text in &source.strings {
            // A name alone, or in a pragma; the test above finds other statements.
            let suspect = !text.contains(' ') || text.contains("PRAGMA");
            let table = TABLES.iter().chain(&["meta"]).find(|table| suspect && has_word(text, table));
            assert!(table.is_none(), "{} names the table {table:?}: {text}", source.path);
        }
    }
}

/// Only the HTTP layer, the reader of multipart bodies (a form is a stream of the library's kind) and the sender of
/// events name the HTTP library.
#[test]
fn three_places_name_the_http_library() {
    let allowed = [
        "crates/server/src/http/",
        "crates/server/src/gateway/decode/multipart.rs",
        "crates/server/src/delivery/webhook/",
    ];
    let mut named = BTreeSet::new();
    for source in product().into_iter().chain(rust("crates/store/src")) {
        if ["hyper", "hyper_util", "http_body_util"].iter().any(|library| source.names(library)) {
            let place = allowed.iter().find(|place| source.path.starts_with(**place));
            named.insert(*place.unwrap_or_else(|| panic!("{} names the HTTP library", source.path)));
        }
    }
    assert_eq!(named.len(), allowed.len(), "an exception that is not needed any more: {named:?}");
}

#[test]
fn the_contract_does_nothing_outside() {
    for source in rust("crates/contract/src") {
        for what in [
            "tokio",
            "std::fs",
            "std::net",
            "std::io",
            "std::env",
            "std::time",
            "std::thread",
            "std::process",
        ] {
            assert!(!source.code.contains(what), "{} uses {what}", source.path);
        }
    }
}

/// Which of the product's crates each one may use.
#[test]
fn arrows_go_one_way() {
    let arrows: &[(&str, &[&str], &[&str])] = &[
        ("contract", &[], &["hyper", "tokio", "rusqlite", "tokio-postgres"]),
        ("store", &["contract"], &["hyper", "tokio", "rusqlite", "tokio-postgres"]),
        ("store-sqlite", &["contract", "store"], &["hyper", "serde_json"]),
        ("store-postgres", &["contract", "store"], &["hyper", "serde_json", "rusqlite"]),
        (
            "api",
            &["contract", "store"],
            &["hyper", "http", "http-body-util", "tokio", "rusqlite", "tokio-postgres"],
        ),
        (
            "control",
            &["contract", "store", "api"],
            &["hyper", "http", "http-body-util", "tokio", "rusqlite", "tokio-postgres"],
        ),
        (
            "server",
            &["contract", "store", "store-sqlite", "store-postgres", "api", "control"],
            &["rusqlite", "tokio-postgres"],
        ),
    ];
    for (name, own, never) in arrows {
        let manifest =
            fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).expect("a manifest");
        let section = manifest.split("[dependencies]").nth(1).expect("dependencies");
        let section = section.split("\n[").next().unwrap_or_default();
        let names: BTreeSet<&str> = section
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| !name.is_empty())
            .collect();
        assert!(!names.is_empty(), "{name} has dependencies");
        for dependency in &names {
            let other = dependency.strip_prefix("larkspur-");
            assert!(other.is_none_or(|other| own.contains(&other)), "{name} uses {dependency}");
            assert!(!never.contains(dependency), "{name} uses {dependency}");
        }
    }
}

/// The id of the operation in a file, if it has one.
fn operation_in(source: &Source) -> Option<&str> {
    let operations = source.code.matches("impl Operation for ").count();
    assert!(operations <= 1, "{} has {operations} operations", source.path);
    let (before, _) = source.code.split_once("const SPEC").filter(|_| operations == 1)?;
    source.strings.get(before.matches("\"\"").count()).map(String::as_str)
}

#[test]
fn every_operation_is_in_the_registry() {
    let registered: BTreeSet<&str> = REGISTRY.iter().copied().flatten().map(|entry| entry.spec.id).collect();
    let mut written = BTreeSet::new();
    for source in OPERATIONS.iter().flat_map(|folder| rust(folder)) {
        if let Some(id) = operation_in(&source) {
            assert!(registered.contains(id), "{} is not in the registry (its id is {id:?})", source.path);
            assert!(written.insert(id.to_owned()), "{}: another file has this id, too", source.path);
        }
    }
    assert_eq!(written.len(), REGISTRY.iter().map(|entries| entries.len()).sum::<usize>());
}

/// `im.v1.chat_tab.create` is in `im/v1/chat_tab/create.rs`.
#[test]
fn the_path_of_an_operation_is_its_id() {
    let sources = rust("crates/api/src/operations");
    let ids = REGISTRY.iter().copied().flatten().map(|entry| entry.spec.id);
    for id in ids.filter(|id| !id.starts_with("larkspur.")) {
        let path = format!("crates/api/src/operations/{}.rs", id.replace('.', "/"));
        let source = sources.iter().find(|source| source.path == path);
        let source = source.unwrap_or_else(|| panic!("{id} is not in {path}"));
        assert_eq!(operation_in(source), Some(id), "{path}");
    }
}

/// An operation recodes only codes that its page lacks, and only to codes that it lists.
#[test]
fn recodes_lead_from_unlisted_codes_to_listed_ones() {
    let mut pairs = 0;
    for spec in REGISTRY.iter().copied().flatten().map(|entry| entry.spec) {
        for (ordinary, listed) in spec.recodes {
            assert!(!spec.codes.contains(ordinary), "{} lists {ordinary:?}", spec.id);
            assert!(spec.codes.contains(listed), "{} does not list {listed:?}", spec.id);
            pairs += 1;
        }
    }
    assert!(pairs > 0, "some operations have recodes");
}

/// The path of a control API file is the id of its operation, below `larkspur.v1`.
#[test]
fn control_operations_are_found_by_their_ids() {
    let sources = rust("crates/control/src/operations");
    let mut found = 0;
    for spec in REGISTRY.iter().copied().flatten().map(|entry| entry.spec) {
        let control = matches!(spec.access, Access::Control);
        let Some(rest) = spec.id.strip_prefix("larkspur.v1.").filter(|_| control) else {
            assert!(!control && !spec.id.starts_with("larkspur."), "{}", spec.id);
            continue;
        };
        let path = format!("crates/control/src/operations/{}.rs", rest.replace('.', "/"));
        let source = sources.iter().find(|source| source.path == path).unwrap_or_else(|| panic!("no {path}"));
        assert!(source.code.contains("impl Operation for "), "{path} has no operation");
        assert!(source.strings.iter().any(|text| text == spec.id), "{path} is not of {}", spec.id);
        // `CONTROL`'s own values for these fields do not count.
        let own = source.code.split("const SPEC").nth(1).and_then(|rest| rest.split("..CONTROL").next());
        for field in ["id", "summary", "route", "effect", "consumes", "codes", "example"] {
            let given = own.is_some_and(|own| own.contains(&format!("\n        {field}: ")));
            assert!(given, "{path}: its SPEC does not say {field}");
        }
        found += 1;
    }
    assert!(found > 40, "only {found} operations");
}

/// A statement behind a `Tx` begins its conditions, or its row, with the tenant. A function with a `Root`, a bare
/// session or a driver finds the tenant first, or works on all of them.
#[test]
fn every_statement_of_a_tx_names_the_tenant() {
    let mut checked = 0;
    for source in rust("crates/store/src") {
        let text = fs::read_to_string(root().join(&source.path)).expect("readable");
        for function in text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default().split("fn ").skip(1) {
            let head = function.split('{').next().unwrap_or_default();
            if ["Root", "Session", "dyn Driver", "&mut self"].iter().any(|holds| head.contains(holds)) {
                continue;
            }
            for sql in Source::parse("", function).strings.iter().filter(|text| is_sql(text)) {
                checked += 1;
                // Statements on a driver outside of a transaction may concern the whole store.
                if head.contains("Engine") && GLOBAL.iter().any(|(part, _)| sql.contains(part)) {
                    continue;
                }
                let row = sql.contains("(tenant, ") && sql.contains("VALUES ($1, ");
                assert!(row || sql.contains("tenant = $1"), "{}: {sql}", source.path);
                assert!(!sql.contains(" OR tenant"), "{}: {sql}", source.path);
                // Joined tables are of the same tenant. The directory of apps has none, nor has a list of values.
                let lists = ["{wanted} LEFT JOIN ", "{wanted} CROSS JOIN LATERAL "]
                    .map(|join| sql.matches(join).count());
                let others = sql.matches(" JOIN app ").count() + lists[0] + lists[1];
                let joined = sql.matches(" JOIN ").count() - others;
                assert!(sql.matches(".tenant = ").count() > joined || joined == 0, "{}: {sql}", source.path);
            }
        }
    }
    assert!(checked > 40, "only {checked} statements found");
}

/// The statements without a tenant, by a part of their text, each with its reason. On Citus they go to every node, or
/// to a table that every node has.
const GLOBAL: &[(&str, &str)] = &[
    ("WITH wanted (tenant, app_id, user_no)", "finds who calls, for calls of several tenants at once"),
    (" meta ", "the schema and the master key of the whole store"),
    (" app WHERE app_id = $1", "the directory of apps: it finds the tenant"),
    (
        "ON tenant.tenant = a.tenant WHERE a.app_id = $1",
        "the directory of apps: it finds the tenant with its rules",
    ),
    ("INSERT INTO app (app_id, tenant, ", "the directory of apps"),
    ("UPDATE app SET secret_hash = $2 WHERE app_id = $1", "the directory of apps"),
    ("SELECT tenant FROM app_install WHERE app_id = $1", "where an app is installed"),
    ("DELETE FROM {table} WHERE app_id = $1", "a deleted tenant's apps go from every other one"),
    ("SELECT tenant FROM chat WHERE chat_id = $1", "tells a chat of another tenant from none"),
    ("SELECT {COLUMNS} FROM tenant ORDER BY tenant", "lists the tenants"),
    ("SELECT tenant, created_at FROM tenant ORDER BY tenant", "lists how old the tenants are"),
    ("SELECT 1 FROM tenant LIMIT 1", "an empty store is given a demo world"),
    ("FROM blob WHERE state = 'gone' AND since < $1", "a sweep removes files of tenants that are no more"),
    ("FROM image WHERE content_hash IS NOT NULL", "looks for files that are missing"),
    ("FROM stored_file WHERE content_hash IS NOT NULL", "looks for files that are missing"),
    ("content_hash FROM snapshot_blob", "looks for files that are missing"),
    ("pg_advisory_xact_lock", "the lock of a tenant, by its number"),
    ("SELECT 1 FROM {name} LIMIT 1", "a store is copied to an empty one only"),
    ("SELECT {listed} FROM {} ORDER BY {backwards}", "where a copy of a store goes on"),
    ("SELECT {columns} FROM {} {beyond}ORDER BY", "what a copy of a store reads"),
    ("INSERT INTO {} ({columns}) VALUES {values}", "what a copy of a store writes"),
    ("SELECT 1 FROM blob LIMIT 1", "whether any file is kept apart from the store"),
    ("FROM pg_settings", "what PostgreSQL is set to"),
    ("has_schema_privilege", "what the role of the address may do"),
    ("pg_has_role", "what the role of the address may do with tables"),
    ("FROM pg_proc", "whether the database has Citus"),
    ("FROM pg_dist_", "how Citus has distributed tables"),
    ("create_reference_table('{table}')", "has Citus put a table on every server"),
    ("create_distributed_table('{table}'", "has Citus divide a table"),
    ("FROM pg_stat_activity", "whether anybody uses what is copied"),
    ("SELECT tenant, clock_offset_ms FROM tenant WHERE tenant > $1", "sweeps every tenant, a page at a time"),
    (" node_lease ", "the processes on a store, whichever tenants they serve"),
    (" job_slot ", "jobs of the whole store"),
    ("FROM event_delivery WHERE state = 'waiting' AND lease_until", "what is due of all tenants"),
    ("FROM event_delivery WHERE state = 'waiting' AND app_id", "what is due of an app in all tenants"),
    (
        "LEFT JOIN tenant t ON t.tenant = w.column1 AND t.faults <> ''",
        "the fault rules of the worlds whose events are claimed",
    ),
    ("FROM (VALUES {pairs}) w LEFT JOIN app_events", "where the apps that are told receive events"),
    (
        "FROM app_events WHERE ticket_at IS NOT NULL AND ticket_at <= $1",
        "tickets that are due of all tenants",
    ),
    ("UPDATE app SET name = name WHERE app_id = $1", "the directory of apps"),
    ("FROM app_connection WHERE server = $1", "which connections a server is to close, of all tenants"),
    (
        "FROM callback_relay WHERE server = $1",
        "which callbacks a server is to send for others, of all tenants",
    ),
    (
        "SET lease_until = 0 WHERE state = 'waiting' AND lease_until > 0",
        "the claims of processes that have ended, when a store's only process starts",
    ),
    ("LEFT JOIN event_subscriber s", "whether a tenant does not know what an app subscribed to"),
];

#[test]
fn statements_without_a_tenant_are_on_a_short_list() {
    let names =
        |sql: &str| sql.contains("tenant = $1") || sql.contains("(tenant, ") && sql.contains("VALUES ($1, ");
    let mut met = BTreeSet::new();
    for source in rust("crates/store/src") {
        for sql in source.strings.iter().filter(|text| is_sql(text) && !names(text)) {
            let entry = GLOBAL.iter().find(|(part, _)| sql.contains(part));
            let (part, _) = entry.unwrap_or_else(|| panic!("{} names no tenant: {sql}", source.path));
            met.insert(*part);
        }
    }
    assert_eq!(met.len(), GLOBAL.len(), "entries that no statement needs any more: only {met:?} are met");
}

/// The first name of a path.
fn first_name(path: &str) -> &str {
    path.trim_start().split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The names behind `crate::` in a file, also in braces.
fn crate_names(code: &str) -> BTreeSet<&str> {
    let names = |rest| match str::strip_prefix(rest, '{') {
        None => vec![first_name(rest)],
        Some(list) => {
            let mut depth = 0;
            let list = list.split(';').next().unwrap_or_default();
            let separates = |c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            };
            list.split(separates).map(first_name).collect()
        }
    };
    code.split("crate::").skip(1).flat_map(names).filter(|name| !name.is_empty()).collect()
}

/// The modules of the store, each with those that it names. A folder is one module. A name that `lib.rs` re-exports
/// stands for its module.
fn store_modules() -> BTreeMap<String, BTreeSet<String>> {
    let sources = rust("crates/store/src");
    let lib = sources.iter().find(|source| source.path.ends_with("/lib.rs")).expect("lib.rs");
    let mut homes = BTreeMap::new();
    for path in lib.code.split("use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let names = path.rsplit_once('{').or_else(|| path.rsplit_once("::")).map_or(path, |(_, names)| names);
        for name in names.split(',').map(first_name).filter(|name| !name.is_empty()) {
            homes.insert(name, first_name(path));
        }
    }
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.path.ends_with("/lib.rs")) {
        let path = source.path.trim_start_matches("crates/store/src/").trim_end_matches(".rs");
        let module = path.split('/').next().unwrap_or_default();
        let named = crate_names(&source.code).into_iter().map(|name| *homes.get(name).unwrap_or(&name));
        let others = named.filter(|name| *name != module).map(str::to_owned);
        modules.entry(module.to_owned()).or_default().extend(others);
    }
    assert!(modules["transaction"].contains("memory") && modules["members"].contains("chats"), "{modules:?}");
    modules
}

/// Transactions and memory are below the tables: they name no module of a table.
#[test]
fn transactions_and_memory_name_no_table() {
    let tables: BTreeSet<String> = rust("crates/store/src")
        .into_iter()
        .filter(|source| source.strings.iter().any(|text| is_sql(text)))
        .filter_map(|source| {
            let path = source.path.trim_start_matches("crates/store/src/");
            path.split(['/', '.']).next().map(str::to_owned)
        })
        .collect();
    assert!(tables.len() > 20 && tables.contains("whole"), "{tables:?}");
    let modules = store_modules();
    for kernel in ["transaction", "memory"] {
        let named: Vec<_> = modules[kernel].intersection(&tables).collect();
        assert!(named.is_empty(), "{kernel} names {named:?}");
    }
}

/// No module of the store uses another one that uses it, directly or indirectly.
#[test]
fn modules_of_the_store_form_no_circle() {
    let mut modules = store_modules();
    // A module that names no remaining module, or is named by none, is in no circle.
    loop {
        let left: BTreeSet<String> = modules.keys().cloned().collect();
        let named: BTreeSet<String> = modules.values().flatten().cloned().collect();
        modules.retain(|module, names| named.contains(module) && !names.is_disjoint(&left));
        if modules.len() == left.len() {
            break;
        }
    }
    assert!(modules.is_empty(), "circles among: {modules:?}");
}

#[test]
fn names_behind_crate_are_read() {
    let code = "use crate::a::{b, c};\nuse crate::{d::{e, f}, G,\n    h};\nfn x() { crate::i::j(); }";
    assert_eq!(crate_names(code), BTreeSet::from(["G", "a", "d", "h", "i"]));
}

/// Each rule that a refusal names is a behaviour of the registry or one of the contract's rules, so that its basis is known; and no
/// rule of the contract is out of use.
#[test]
fn named_rules_have_a_basis() {
    let behaviours = REGISTRY.iter().copied().flatten().flat_map(|entry| entry.spec.behaviours);
    let rules = rules::RULES.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = behaviours.map(|behaviour| behaviour.name).chain(rules.clone()).collect();
    let mut named = 0;
    for source in &product() {
        let text = fs::read_to_string(root().join(&source.path)).expect("a source");
        for part in text.split("by_rule(\"").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(known.contains(name), "{}: the rule {name} has no basis", source.path);
            named += 1;
        }
    }
    assert!(named > 30, "{named} rules are named");
    let elsewhere = product().into_iter().filter(|source| source.path != "crates/contract/src/rules.rs");
    let texts: BTreeSet<String> = elsewhere.flat_map(|source| source.strings).collect();
    for name in rules {
        assert!(texts.contains(name), "no refusal names {name}");
    }
}
