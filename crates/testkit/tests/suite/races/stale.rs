//! Cached reads on a shared store: how old they may be, and which calls use them.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_testkit::Random;
use larkspur_testkit::postgres::{Tables, database};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request, World};
use serde_json::json;

const LIMIT_MS: i64 = 400;

/// A world on a database with two servers: on the first, reads may be cached; on the other, they are not.
struct Pair {
    clock: Arc<ManualClock>,
    world: World,
    other: Lab,
    tag: String,
}

impl Pair {
    async fn new(limit_ms: i64) -> Pair {
        let clock = ManualClock::at(1_700_000_000_000);
        let stale_ms = u32::try_from(limit_ms).expect("small");
        let driver = Some(database(Tables::Plain).await);
        let options = LabOptions { driver, clock: clock.clone(), stale_ms, ..LabOptions::default() };
        let lab = Lab::with(options).await;
        let other = lab.beside().await.expect("others may use the store");
        let world = lab.world().await;
        let tag = world.tag("0").await;
        Pair { clock, world, other, tag }
    }

    fn read(&self) -> Request {
        self.world.call("GET", &format!("/im/v2/tags?ids={}", self.tag))
    }

    /// The tag's name, from the first server.
    async fn name(&self) -> String {
        let data = self.read().send().await.data();
        data["tag_infos"][0]["name"].as_str().expect("a name").to_owned()
    }

    fn rename(&self, name: &str) -> Request {
        let body = json!({"patch_tag": {"name": name}});
        self.world.call("PATCH", &format!("/im/v2/tags/{}", self.tag)).body(body)
    }

    fn create(&self) -> Request {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": "another"}});
        self.world.call("POST", "/im/v2/tags").body(body)
    }

    /// Starts again: the cached values are too old, and are read again.
    async fn read_again(&self) {
        self.clock.advance(LIMIT_MS);
        self.name().await;
    }

    /// After a change on the other server at the same time: reads do not see it until the limit.
    async fn reads_know_late(&self, read: impl Fn() -> Request, code: i64) {
        assert_eq!(read().of(&self.other).send().await.code(), code, "the other server knows");
        assert_eq!(read().send().await.code(), 0, "what was read before");
        self.clock.advance(LIMIT_MS - 1);
        assert_eq!(read().send().await.code(), 0, "not too old yet");
        self.clock.advance(1);
        assert_eq!(read().send().await.code(), code, "too old");
    }

    /// The same: writes see it at once, and after them reads do.
    async fn writes_know_at_once(&self, read: impl Fn() -> Request, write: impl Fn() -> Request, code: i64) {
        assert_eq!(read().send().await.code(), 0, "what was read before");
        assert_eq!(write().send().await.code(), code, "who writes is asked for in the store");
    }
}

#[tokio::test]
async fn a_read_is_as_old_as_is_allowed_and_no_older() {
    let pair = Pair::new(LIMIT_MS).await;
    assert_eq!(pair.name().await, "0");
    pair.rename("1").of(&pair.other).send().await.data();
    assert_eq!(pair.name().await, "0", "what was read before");
    pair.clock.advance(LIMIT_MS - 1);
    assert_eq!(pair.name().await, "0");
    pair.clock.advance(1);
    assert_eq!(pair.name().await, "1");
    pair.rename("2").of(&pair.other).send().await.data();
    pair.rename("3").send().await.data();
    assert_eq!(pair.name().await, "3", "its own write");
    let made = pair.create().send().await.data();
    let id = made["id"].as_str().expect("an id");
    let found = pair.world.call("GET", &format!("/im/v2/tags?ids={id}")).send().await.data();
    assert_eq!(found["tag_infos"][0]["name"], "another");
}

#[tokio::test]
async fn nothing_is_old_by_default() {
    let pair = Pair::new(0).await;
    for round in 1..5 {
        let name = round.to_string();
        pair.rename(&name).of(&pair.other).send().await.data();
        assert_eq!(pair.name().await, name);
    }
    pair.world.control("DELETE", "").of(&pair.other).send().await.data();
    assert_ne!(pair.read().send().await.code(), 0);
}

#[tokio::test]
async fn an_app_that_is_disabled_reads_until_then() {
    let pair = Pair::new(LIMIT_MS).await;
    let set = |status: &str| {
        let path = format!("/apps/{}", pair.world.app_id);
        pair.world.control("PUT", &path).body(json!({"status": status})).of(&pair.other).send()
    };
    for late in [true, false] {
        set("enabled").await.data();
        pair.read_again().await;
        set("disabled").await.data();
        if late {
            pair.reads_know_late(|| pair.read(), 99991662).await;
        } else {
            pair.writes_know_at_once(|| pair.read(), || pair.create(), 99991662).await;
            assert_eq!(pair.read().send().await.code(), 99991662, "what the write found out");
        }
    }
}

/// Also for subjects other than the caller.
#[tokio::test]
async fn a_bot_that_another_server_removed_cannot_be_added() {
    let pair = Pair::new(LIMIT_MS).await;
    let (app, token) = pair.world.app(json!({})).await;
    assert_eq!(pair.read().token(&token).send().await.code(), 0, "now the first server knows the app");
    let path = format!("/apps/{app}");
    pair.world.control("PUT", &path).body(json!({"bot": false})).of(&pair.other).send().await.data();
    let path = format!("/im/v1/chats/{}/members?member_id_type=app_id", pair.world.chat_id);
    let add = || pair.world.call("POST", &path).body(json!({"id_list": [app]}));
    let here = add().send().await;
    let there = add().of(&pair.other).send().await;
    assert_eq!((here.code(), &here.json()["data"]), (there.code(), &there.json()["data"]));
    let members = pair.world.call("GET", &format!("/im/v1/chats/{}", pair.world.chat_id));
    assert_eq!(members.of(&pair.other).send().await.data()["bot_count"], "1");
}

#[tokio::test]
async fn a_user_who_left_reads_until_then() {
    let pair = Pair::new(LIMIT_MS).await;
    for (user, late) in [(1, true), (2, false)] {
        let token = pair.world.user_token(user, json!({})).await;
        let chat = format!("/im/v1/chats/{}", pair.world.chat_id);
        let read = || pair.world.call("GET", &chat).token(&token);
        let write = || pair.world.call("PUT", &chat).token(&token).body(json!({"name": "mine"}));
        pair.clock.advance(LIMIT_MS);
        assert_eq!(read().send().await.code(), 0);
        let path = format!("/users/{}", pair.world.users[user].user_id);
        let left = json!({"status": "resigned"});
        pair.world.control("PATCH", &path).body(left).of(&pair.other).send().await.data();
        if late {
            pair.reads_know_late(read, 99991668).await;
        } else {
            pair.writes_know_at_once(read, write, 99991668).await;
        }
    }
}

#[tokio::test]
async fn a_clock_that_was_moved_shows_late() {
    for late in [true, false] {
        let pair = Pair::new(LIMIT_MS).await;
        pair.read_again().await;
        let body = json!({"advance_seconds": 10_000});
        pair.world.control("PUT", "/clock").body(body).of(&pair.other).send().await.data();
        // The token has expired by now.
        if late {
            pair.reads_know_late(|| pair.read(), 99991663).await;
        } else {
            pair.writes_know_at_once(|| pair.read(), || pair.create(), 99991663).await;
        }
    }
}

#[tokio::test]
async fn a_world_that_is_gone_is_written_to_no_more() {
    let pair = Pair::new(LIMIT_MS).await;
    pair.read_again().await;
    pair.world.control("DELETE", "").of(&pair.other).send().await.data();
    let chat = || pair.world.call("GET", &format!("/im/v1/chats/{}", pair.world.chat_id));
    assert_eq!(chat().send().await.code(), 232006, "chats are never old");
    pair.reads_know_late(|| pair.read(), 99991663).await;

    let pair = Pair::new(LIMIT_MS).await;
    pair.read_again().await;
    pair.world.control("DELETE", "").of(&pair.other).send().await.data();
    pair.writes_know_at_once(|| pair.read(), || pair.create(), 99991663).await;
    let body = json!({"name": "again", "chat_type": "public"});
    assert_eq!(pair.world.control("POST", "/chats").body(body).send().await.code(), 5275404);
    let driver = &pair.world.lab.app.engine().driver;
    for table in larkspur_store::tenants::TABLES {
        let sql: &'static str =
            Box::leak(format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1").into_boxed_str());
        let tenant = vec![pair.world.tenant_key.as_str().into()];
        let rows = driver.query(Effect::Reads, sql, tenant).await.expect("counted");
        assert_eq!(rows[0].int(0), Ok(0), "{table}");
    }
}

/// Whatever is written where and when: a value that is read was true less than the limit ago, and is no older than the
/// reader's own writes.
#[tokio::test]
async fn no_read_is_older_than_it_may_be() {
    let pair = Pair::new(LIMIT_MS).await;
    let mut random = Random::seeded("stale");
    // The times at which each name, by index, was set.
    let (mut now, mut given, mut own, mut old) = (0, vec![0], 0, 0);
    for _ in 0..400 {
        match random.below(8) {
            0 => {
                let name = given.len();
                let here = random.below(3) == 0;
                let request = pair.rename(&name.to_string());
                let request = if here { request } else { request.of(&pair.other) };
                request.send().await.data();
                given.push(now);
                own = if here { name } else { own };
            }
            1..4 => {
                let by = i64::try_from(random.below(200)).expect("small");
                pair.clock.advance(by);
                now += by;
            }
            _ => {
                let name: usize = pair.name().await.parse().expect("a number");
                let replaced = given.get(name + 1);
                assert!(replaced.is_none_or(|at| now - at < LIMIT_MS), "{name} at {now}: {given:?}");
                assert!(name >= own, "{name} is older than the own {own}: {given:?}");
                old += usize::from(replaced.is_some());
            }
        }
    }
    assert!(old > 0, "some reads are old");
}
