//! The settings: where they come from, and what they take.

use super::*;
use larkspur_api::TagOwner;

fn load(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("larkspur.toml");
    std::fs::write(&path, file).expect("written");
    let env = env.iter().map(|(key, value)| ((*key).into(), (*value).into()));
    let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Config::load(Some(&path), env, &flags)
}

fn refused(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    load(file, env, flags).err().expect("refused").to_string()
}

#[test]
fn the_defaults_are_the_code_s() {
    let config = Config::load(None, [], &[]).expect("sound");
    assert_eq!(config.behaviours, Settings::default());
    assert_eq!(config.events.outbound_ips, Settings::default().outbound_ips);
    assert_eq!(config.rate_limits, RateLimits::default());
    let (limits, defaults) = (config.limits(Duration::ZERO), Limits::default());
    assert_eq!(
        (limits.connections, limits.head, limits.body, limits.drain),
        (defaults.connections, defaults.head, defaults.body, defaults.drain)
    );
    assert_eq!(
        (limits.per_address, limits.write, limits.lame_duck),
        (defaults.per_address, defaults.write, defaults.lame_duck)
    );
    assert_eq!(config.long_connections(), ConnectionOptions::default());
    let store = (config.sqlite(), sqlite::Options::default());
    assert_eq!(store.0.readers, store.1.readers);
    assert_eq!(store.0.wal_limit_bytes, store.1.wal_limit_bytes);
    let store = (config.postgres(), postgres::Options::default());
    assert_eq!((store.0.connections, store.0.deadline), (store.1.connections, store.1.deadline));
    assert_eq!((store.0.tls, store.0.ca), (store.1.tls, store.1.ca));
    assert!(!config.is_on_a_server());
    assert_eq!(config.stale_ms(), 0);
    assert_eq!((config.listen.as_str(), config.rate_limit_status), ("127.0.0.1:5275", 429));
}

#[test]
fn precedence() {
    let file = "listen = \"file:1\"\nrate_limits = 2\n[behaviours]\ntag_owner = \"app\"\ncomma_lists = false";
    let config = load(file, &[], &[]).expect("the file");
    assert_eq!((config.listen.as_str(), config.rate_limits), ("file:1", RateLimits::Factor(2.0)));
    assert_eq!((config.behaviours.tag_owner, config.behaviours.comma_lists), (TagOwner::App, false));
    let env = [("LARKSPUR_LISTEN", "env:2"), ("LARKSPUR_BEHAVIOURS_COMMA_LISTS", "true"), ("PATH", "x")];
    let config = load(file, &env, &[]).expect("the environment");
    assert_eq!((config.listen.as_str(), config.behaviours.comma_lists), ("env:2", true));
    let config = load(file, &env, &[("listen", "flag:3"), ("rate_limits", "off")]).expect("flags");
    assert_eq!((config.listen.as_str(), config.rate_limits), ("flag:3", RateLimits::Off));
}

#[test]
fn mistakes_are_named_with_the_nearest_name() {
    let text = refused("lisen = 1", &[], &[]);
    assert!(text.ends_with("lisen is not a setting; did you mean listen?"), "{text}");
    let text = refused("tag_owner = 1", &[], &[]);
    assert!(text.ends_with("; did you mean behaviours.tag_owner?"), "its table was left out: {text}");
    let text = refused("colour = 1", &[], &[]);
    assert!(text.ends_with("colour is not a setting; `larkspur config` prints all settings"), "{text}");
    let text = refused("[behaviours]\ntag_ownr = 1", &[], &[]);
    assert!(
        text.ends_with("behaviours.tag_ownr is not a setting; did you mean behaviours.tag_owner?"),
        "{text}"
    );
    let text = refused("", &[("LARKSPUR_LISTN", "x")], &[]);
    assert!(text.contains("LARKSPUR_LISTN is not a setting; did you mean LARKSPUR_LISTEN?"), "{text}");
    let text = refused("[behaviours]\ntag_owner = \"me\"", &[], &[]);
    assert!(text.contains("behaviours.tag_owner is \"me\": unknown variant"), "{text}");
    let text = refused("", &[], &[("rate_limits", "fast")]);
    assert!(text.starts_with("--rate-limits is \"fast\": "), "{text}");
    let text = refused("", &[("LARKSPUR_RATE_LIMIT_STATUS", "500")], &[]);
    assert!(text.starts_with("LARKSPUR_RATE_LIMIT_STATUS is \"500\": 500 is not 429"), "{text}");
    for wrong in ["-1", "60001", "9999999999"] {
        let text = refused("", &[("LARKSPUR_POSTGRES_STALE_MS", wrong)], &[]);
        let end = format!("{wrong} is not between 0 and 60000");
        assert!(text.starts_with("LARKSPUR_POSTGRES_STALE_MS is") && text.ends_with(&end), "{text}");
    }
    let config = load("[postgres]\nstale_ms = 60000", &[], &[]).expect("the most");
    assert_eq!(config.stale_ms(), 60_000);
    let text = refused("[events]\noutbound_ips = \"10.0.0.1, home\"", &[], &[]);
    assert!(text.ends_with("\"home\" is not an IP address, such as 203.0.113.7"), "{text}");
    let config = load("", &[("LARKSPUR_EVENTS_OUTBOUND_IPS", "10.0.0.1, ::1")], &[]).expect("two");
    assert_eq!(config.events.outbound_ips, ["10.0.0.1", "::1"]);
    let text = refused("\n\nlisten = ", &[], &[]);
    assert!(text.contains("line 3"), "{text}");
}

#[test]
fn a_variable_that_is_no_setting_stops_the_start_only_if_it_is_nearly_one() {
    for near in ["LISTN", "LSITEN", "DAT", "DTAA", "LOGS_LEVL", "CONFG", "BEHAVIOURS_TAG_OWNR", "CONTROLKEY"]
    {
        let text = refused("", &[(&format!("LARKSPUR_{near}"), "x")], &[]);
        assert!(text.contains("is not a setting; did you mean LARKSPUR_"), "{text}");
    }
    // Variables of a test run are foreign, too.
    let others = [
        ("LARKSPUR_HOME", "/x"),
        ("LARKSPUR_APP_ID", "cli_1"),
        ("LARKSPUR_DB_SERVICE_HOST", "db"),
        ("LARKSPUR_OBSERVED", "/tmp"),
    ];
    let config = load("", &others, &[]).expect("no hindrance");
    let [warning] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
    for (name, value) in others {
        assert!(warning.contains(name) && !warning.contains(value), "{warning}");
    }
    // The variables that Kubernetes sets for a service of this name cause no warning.
    let own = [("LARKSPUR_SERVICE_HOST", "10.0.0.1"), ("LARKSPUR_PORT", "tcp://x"), ("LARKS", "1")];
    assert_eq!(load("", &own, &[]).expect("ours").warnings, Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_an_error() {
    use std::os::unix::ffi::OsStringExt;
    let odd = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    for (name, value) in [(odd(b"LARKSPUR_DATA"), odd(b"/x\xff")), (odd(b"LARKSPUR_D\xff"), odd(b"x"))] {
        let error = Config::load(None, [(name, value)], &[]).err().expect("refused").to_string();
        assert!(error.contains("LARKSPUR_D") && error.contains("not UTF-8"), "{error}");
    }
    Config::load(None, [(odd(b"PATH"), odd(b"/x\xff"))], &[]).expect("not ours");
}

/// For every setting with a range or a fixed set: valid values at its limits, and invalid ones.
const VALUES: &[(&str, &[&str], &[&str])] = &[
    ("listen", &["localhost:0", "[::1]:80", "0.0.0.0:65535"], &["", "5275", ":80", "here", "h:65536", "h:x"]),
    ("data", &["x"], &[""]),
    ("store", &["", "postgres://h/d"], &[]),
    ("memory", &["true", "false"], &["maybe"]),
    ("read_only", &["true", "false"], &["maybe"]),
    ("ready_file", &["", "x"], &[]),
    ("control_key", &["", "k-1_~"], &["a b", "\u{fc}", "a\n"]),
    ("mode", &["auto", "test", "production"], &["prod", ""]),
    (
        "public_url",
        &["", "https://a.example", "http://[::1]:80"],
        &["a.example", "ftp://a", "https://a/b", "https://a/", "https://", "https://u@a", "https://a b"],
    ),
    (
        "http.hosts",
        &["", "a.example", "a.example, 10.0.0.1,::1", "[::1]"],
        &["a.example:80", "https://a.example", "a/b", "a b", "a,,b", "*"],
    ),
    ("demo", &["auto", "always", "never"], &["yes", ""]),
    ("rate_limits", &["platform", "off", "0.5", "3"], &["0", "-1", "nan", "inf", ""]),
    ("rate_limit_status", &["400", "429"], &["500", "0", "-1"]),
    ("brand", &["feishu", "lark"], &["Feishu", ""]),
    ("behaviours.duplicate_name", &["success", "402"], &["403"]),
    ("behaviours.strict_tag_ids", &["true"], &["2"]),
    ("behaviours.tag_owner", &["tenant", "app"], &["me"]),
    ("behaviours.tags_per_chat", &["0", "4294967295"], &["-1", "4294967296"]),
    ("behaviours.generic_field_validation", &["true"], &["x"]),
    ("behaviours.error_causes", &["false"], &["x"]),
    ("behaviours.comma_lists", &["false"], &["x"]),
    ("behaviours.topic_as_group", &["true"], &["x"]),
    ("behaviours.chat_create_by_user", &["true"], &["x"]),
    ("behaviours.chat_limit", &["false"], &["x"]),
    ("behaviours.withdrawn_get", &["deleted", "230011", "empty"], &["gone"]),
    ("behaviours.content_v2", &["true"], &["x"]),
    ("behaviours.extra_emoji", &["", "EYES", "EYES, Other_1"], &["EYES,", "a b", "é"]),
    ("behaviours.user_picker", &["auto", "on", "off", "true", "false"], &["yes", ""]),
    ("events.allow_private", &["auto", "on", "off"], &["true"]),
    ("events.outbound_ips", &["", "10.0.0.1", "192.0.2.1, ::1"], &["home", "10.0.0.1 ::1", "10.0.0.0/8"]),
    ("events.ping_interval_seconds", &["1", "86400"], &["0", "86401"]),
    ("events.reconnect_interval_seconds", &["1", "86400"], &["0", "86401"]),
    ("events.reconnect_nonce_seconds", &["0", "86400"], &["-1", "86401"]),
    ("events.reconnect_count", &["-1", "1000000"], &["-2", "1000001"]),
    ("events.split_bytes", &["64", "524288"], &["63", "524289"]),
    ("limits.connections", &["1", "1000000"], &["0", "-1", "1000001", "x"]),
    ("limits.connections_per_address", &["0", "1000000"], &["-1", "1000001"]),
    ("limits.long_connections", &["0", "1000000"], &["-1", "1000001"]),
    ("limits.head_seconds", &["1", "86400"], &["0", "86401"]),
    ("limits.body_seconds", &["1", "86400"], &["0", "86401"]),
    ("limits.write_seconds", &["1", "86400"], &["0", "86401"]),
    ("limits.drain_seconds", &["0", "86400"], &["-1", "86401"]),
    ("drain.lame_duck_seconds", &["auto", "0", "86400"], &["-1", "86401", "long", ""]),
    ("sqlite.readers", &["1", "256"], &["0", "257"]),
    ("sqlite.tag_memory_mb", &["0", "1000000"], &["-1", "1000001"]),
    ("sqlite.wal_limit_mb", &["1", "1000000"], &["0", "1000001"]),
    ("postgres.connections", &["1", "10000"], &["0", "10001"]),
    ("postgres.deadline_ms", &["100", "3600000"], &["99", "3600001"]),
    ("postgres.tls", &["prefer", "require", "verify"], &["disable", ""]),
    ("postgres.ca", &["", "x"], &[]),
    ("postgres.stale_ms", &["0", "60000"], &["-1", "60001"]),
    (
        "blobs.url",
        &["", "memory:", "file:///x", "s3://b/p", "s3://b"],
        &["/x", "file://x", "s3://", "gs://b"],
    ),
    ("blobs.grace_hours", &["1", "87600"], &["0", "87601"]),
    ("messages.keep_days", &["0", "36500"], &["-1", "36501"]),
    ("messages.keep_per_chat", &["0", "1000000000"], &["-1", "1000000001"]),
    ("console.serve", &["auto", "on", "off"], &["true", ""]),
    ("console.url", &["", "https://a.example", "http://127.0.0.1:80"], &["a.example", "https://a/b"]),
    ("console.dir", &["", "x"], &[]),
    ("traffic.record", &["auto", "on", "off"], &["true", ""]),
    ("traffic.memory_mb", &["1", "65536"], &["0", "65537"]),
    ("traffic.entries", &["1", "1000000"], &["0", "1000001"]),
    ("traffic.body_kb", &["0", "20480"], &["-1", "20481"]),
    (
        "logs.level",
        &["warn", "info,larkspur_server=debug", "off", "TRACE"],
        &["warning", "", "info,", "x=debug"],
    ),
    ("logs.format", &["auto", "text", "json"], &["xml", ""]),
];

#[test]
fn every_setting_takes_what_fits_and_nothing_else() {
    let all = names(&parse(DEFAULTS, "").expect("sound"));
    let tried: Vec<&str> = VALUES.iter().map(|(name, ..)| *name).collect();
    for name in &all {
        // A new setting that is missing here must be added above.
        assert!(tried.contains(&name.as_str()), "{name} is not tried");
    }
    for (name, good, wrong) in VALUES {
        let variable = format!("LARKSPUR_{}", layers::shouted(name));
        for value in *good {
            let loaded = load("", &[(&variable, value)], &[]);
            assert!(loaded.is_ok(), "{variable}={value:?}: {}", loaded.err().expect("refused"));
        }
        for value in *wrong {
            let text = refused("", &[(&variable, value)], &[]);
            assert!(text.starts_with(&variable), "{variable}={value:?}: {text}");
        }
    }
    // A list, and one of three values, as in a file.
    let config =
        load("[behaviours]\nuser_picker = true\n[http]\nhosts = [\"A.example\"]", &[], &[]).expect("sound");
    assert_eq!(config.behaviours.user_picker, larkspur_api::UserPicker::On);
    assert_eq!(config.http.hosts, ["A.example"]);
    let text = refused("[http]\nhosts = \"a.example:80\"", &[], &[]);
    assert!(text.contains("leave out the port"), "{text}");
    // Also in a file, where a number is not a text.
    for (table, name, value) in [("limits", "connections", "0"), ("logs", "level", "\"warning\"")] {
        let text = refused(&format!("[{table}]\n{name} = {value}"), &[], &[]);
        assert!(text.contains(&format!("{table}.{name} is {value}: ")), "{text}");
    }
}

#[test]
fn the_manual_and_the_registry_give_a_switch_the_same_basis() {
    let behaviours = crate::REGISTRY.iter().copied().flatten().flat_map(|e| e.spec.behaviours);
    let switches: Vec<_> = behaviours.filter(|behaviour| behaviour.switch).collect();
    assert!(!switches.is_empty());
    for behaviour in switches {
        let (before, _) = DEFAULTS.split_once(&format!("\n{} = ", behaviour.name)).expect(behaviour.name);
        let (_, basis) = before.rsplit_once("# Basis: ").expect("a basis");
        let word = format!("{:?}", behaviour.basis).to_lowercase();
        let first = basis.split(';').next().unwrap_or_default();
        assert!(first.contains(&word), "{}: {word} in the registry, {basis:?} in the manual", behaviour.name);
    }
}
