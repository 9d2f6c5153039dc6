//! Invariants of a chat's members under random operations.

use larkspur_testkit::{Lab, Reply, Request, World};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The most users of a chat here: low, so that it is full at times.
const USERS_MAX: usize = 5;
/// Users 0 to 2 are in the chat at first; 0 owns it.
const USERS: usize = 8;

/// An operation on the chat. Users are numbers; the last two numbers are bots, the first of which is in the chat.
#[derive(Debug, Clone)]
enum Step {
    Add { by: usize, who: Vec<usize>, kind: i64 },
    Remove { by: usize, who: Vec<usize> },
    Join { by: usize },
    Appoint { by: usize, who: Vec<usize>, verb: &'static str },
    Answer { who: usize, method: &'static str },
    Settings { approval: bool, closed: bool, public: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let anybody = || 0..USERS + 2;
    // Mostly by the owner and the first bot, who may do most.
    let by = || prop_oneof![Just(0), Just(USERS), anybody()];
    let some = || prop::collection::vec(anybody(), 1..4);
    prop_oneof![
        4 => (by(), some(), 0..3i64).prop_map(|(by, who, kind)| Step::Add { by, who, kind }),
        3 => (by(), some()).prop_map(|(by, who)| Step::Remove { by, who }),
        1 => anybody().prop_map(|by| Step::Remove { by, who: vec![by] }),
        1 => anybody().prop_map(|by| Step::Join { by }),
        2 => (by(), some(), prop::sample::select(&["add", "delete"][..]))
            .prop_map(|(by, who, verb)| Step::Appoint { by, who, verb }),
        2 => (anybody(), prop::sample::select(&["PUT", "DELETE"][..]))
            .prop_map(|(who, method)| Step::Answer { who, method }),
        1 => any::<(bool, bool, bool)>()
            .prop_map(|(approval, closed, public)| Step::Settings { approval, closed, public }),
    ]
}

struct Bench {
    world: World,
    chat: String,
    ids: Vec<String>,
    tokens: Vec<String>,
}

impl Bench {
    async fn start(owned: bool) -> Bench {
        let world = Lab::start().await.world().await;
        world.control("PUT", "/limits").body(json!({"chat_users": USERS_MAX})).send().await.data();
        let (mut ids, mut tokens) = (Vec::new(), Vec::new());
        for n in 0..USERS {
            let body = json!({"user_id": format!("user{n}")});
            let user_id = world.control("POST", "/users").body(body).send().await.data()["user_id"].clone();
            let user_id = user_id.as_str().expect("a user_id").to_owned();
            let body = json!({"app_id": world.app_id});
            let path = format!("/users/{user_id}/tokens");
            let token = world.control("POST", &path).body(body).send().await.data()["access_token"].clone();
            tokens.push(token.as_str().expect("a token").to_owned());
            ids.push(user_id);
        }
        let (guest, guest_token) = world.app(json!({"name": "guest"})).await;
        ids.extend([world.app_id.clone(), guest]);
        tokens.extend([world.token.clone(), guest_token]);
        let mut body = json!({"members": [ids[0], ids[1], ids[2], ids[USERS]], "name": "random"});
        if owned {
            body["owner"] = json!(ids[0]);
        }
        let chat = world.chat(body).await;
        Bench { world, chat, ids, tokens }
    }

    fn call(&self, by: usize, method: &str, path: &str) -> Request {
        self.world.call(method, &format!("/im/v1/chats/{}{path}", self.chat)).token(&self.tokens[by])
    }

    /// The first of the list decides whether the call is about users or bots; a call takes only one kind.
    fn about(&self, who: &[usize]) -> (&'static str, Vec<&str>) {
        let bots = who[0] >= USERS;
        let ids = who.iter().filter(|one| (**one >= USERS) == bots).map(|one| self.ids[*one].as_str());
        (if bots { "app_id" } else { "user_id" }, ids.collect())
    }

    async fn run(&self, step: &Step) -> Reply {
        let request = match step {
            Step::Add { by, who, kind } => {
                let (form, ids) = self.about(who);
                let path = format!("/members?member_id_type={form}&succeed_type={kind}");
                self.call(*by, "POST", &path).body(json!({"id_list": ids}))
            }
            Step::Remove { by, who } => {
                let (form, ids) = self.about(who);
                let path = format!("/members?member_id_type={form}");
                self.call(*by, "DELETE", &path).body(json!({"id_list": ids}))
            }
            Step::Join { by } => self.call(*by, "PATCH", "/members/me_join"),
            Step::Appoint { by, who, verb } => {
                let (form, ids) = self.about(who);
                let path = format!("/managers/{verb}_managers?member_id_type={form}");
                self.call(*by, "POST", &path).body(json!({"manager_ids": ids}))
            }
            Step::Answer { who, method } => {
                self.world.control(method, &format!("/chats/{}/pending/{}", self.chat, self.ids[*who]))
            }
            Step::Settings { approval, closed, public } => {
                let settings = json!({
                    "membership_approval": if *approval { "approval_required" } else { "no_approval_required" },
                    "add_member_permission": if *closed { "only_owner" } else { "all_members" },
                });
                let chat_type = if *public { "public" } else { "private" };
                let body = json!({"settings": settings, "chat_type": chat_type});
                self.world.control("PATCH", &format!("/chats/{}", self.chat)).body(body)
            }
        };
        request.send().await
    }

    /// Checks what is true after every step, successful or not. Returns the members in the order of joining.
    async fn check(&self, owned: bool) -> Vec<String> {
        let control = |path: &str| self.world.control("GET", &format!("/chats/{}{path}", self.chat));
        let chat = control("").send().await.data();
        let people = chat["members"].as_array().expect("members");
        let members: Vec<String> =
            people.iter().map(|one| one["member"].as_str().expect("an id").to_owned()).collect();
        let managers = people.iter().filter(|one| one["role"] == "manager").count();
        let (bots, users): (Vec<_>, Vec<_>) = members.iter().partition(|one| one.starts_with("cli_"));
        assert!(users.len() <= USERS_MAX && bots.len() <= 15 && managers <= 10, "caps: {chat}");
        assert_eq!(chat["chat_status"] == "dissolved", members.is_empty(), "empty is dissolved: {chat}");
        if owned {
            assert_eq!(chat["owner"], json!(self.ids[0]));
            assert!(members.contains(&self.ids[0]), "the owner is a member: {chat}");
        }
        let waiting = control("/pending").send().await.data();
        for one in waiting["pending"].as_array().expect("a list") {
            assert!(
                !members.contains(&one["member"].as_str().expect("an id").to_owned()),
                "waits inside: {chat}"
            );
        }
        let shown = self.call(0, "GET", "?user_id_type=user_id").send().await.data();
        assert_eq!(shown["user_count"], users.len().to_string(), "{chat}");
        assert_eq!(shown["bot_count"], bots.len().to_string(), "{chat}");
        for by in 0..self.tokens.len() {
            let inside = self.call(by, "GET", "/members/is_in_chat").send().await.data();
            assert_eq!(inside["is_in_chat"], json!(members.contains(&self.ids[by])));
        }
        if let Some(by) = (0..self.tokens.len()).find(|by| members.contains(&self.ids[*by])) {
            assert_eq!(self.listed(by).await, users.iter().map(|one| (*one).clone()).collect::<Vec<_>>());
        }
        members
    }

    async fn listed(&self, by: usize) -> Vec<String> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let path = format!("/members?member_id_type=user_id&page_size=2&page_token={token}");
            let data = self.call(by, "GET", &path).send().await.data();
            let items = data["items"].as_array().expect("items");
            found.extend(items.iter().map(|item| item["member_id"].as_str().expect("an id").to_owned()));
            if data["has_more"] == Value::Bool(false) {
                assert_eq!(data["member_total"], found.len());
                return found;
            }
            token = data["page_token"].as_str().expect("a token").to_owned();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_members_of_a_chat_stay_sound(owned in prop::bool::weighted(0.8), steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let bench = Bench::start(owned).await;
            let mut before = bench.check(owned).await;
            for step in &steps {
                let reply = bench.run(step).await;
                assert!(reply.status() < 500, "{step:?}: {}", reply.text());
                let after = bench.check(owned).await;
                if reply.code() != 0 {
                    assert_eq!(before, after, "{step:?} was refused and changed something");
                }
                before = after;
            }
        });
    }
}
