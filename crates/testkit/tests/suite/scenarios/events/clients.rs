//! What people do in a client, done by the control API, and what apps are told of it.

use serde_json::{Value, json};

use super::listening::{Ear, Heard, Stage, one};
use crate::scenarios::text;

const NOTHING: Heard = Vec::new();

/// What the two apps in the chat are told by a user.
async fn by_user(stage: &Stage, kind: &str, user: usize) -> [Heard; 3] {
    let told = async |to: &Ear| one(kind, stage.of_chat(&stage.user(to, user).await));
    [told(&stage.actor).await, told(&stage.inside).await, NOTHING]
}

/// What the two apps in the chat are told of another user by a user.
async fn of_user(stage: &Stage, kind: &str, operator: usize, user: usize) -> [Heard; 3] {
    let told = async |to: &Ear| {
        let by = stage.user(to, operator).await;
        one(kind, stage.of_users(to, &by, &[user]).await)
    };
    [told(&stage.actor).await, told(&stage.inside).await, NOTHING]
}

#[tokio::test]
async fn members_are_added_and_removed_in_the_client() {
    let stage = Stage::new().await;
    let (world, users) = (&stage.world, &stage.world.users);
    let (path, by) = (stage.in_chat(&users[1].user_id), &users[0].user_id);
    let put = async |path: &str, body: Value| world.control("PUT", path).body(body).send().await.data();
    let remove = async |path: &str| world.control("DELETE", path).query("as", by).send().await.data();
    // Without a user no app is told.
    world.control("DELETE", &path).send().await.data();
    put(&path, json!({})).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    remove(&path).await;
    assert_eq!(stage.told().await, of_user(&stage, "im.chat.member.user.deleted_v1", 0, 1).await);
    put(&path, json!({"as": by})).await;
    assert_eq!(stage.told().await, of_user(&stage, "im.chat.member.user.added_v1", 0, 1).await);
    put(&path, json!({"as": by, "manager": true})).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "a member is not added again");
    let path = stage.in_chat(&stage.outside.app_id);
    put(&path, json!({"as": by})).await;
    let mut expected = by_user(&stage, "im.chat.member.bot.added_v1", 0).await;
    expected[2] = one(&expected[0][0].0, stage.of_chat(&stage.user(&stage.outside, 0).await));
    assert_eq!(stage.told().await, expected);
    remove(&path).await;
    expected[2][0].0 = "im.chat.member.bot.deleted_v1".to_owned();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, expected[2].clone()]);
}

#[tokio::test]
async fn an_owner_who_leaves_hands_the_chat_over() {
    let stage = Stage::new().await;
    let owner = &stage.world.users[0].user_id;
    let left = stage.world.control("DELETE", &stage.in_chat(owner)).query("as", owner).send().await.data();
    let heir = text(&left, "owner");
    let heir = stage.world.users.iter().position(|user| user.user_id == heir).expect("a user");
    let [actor, inside, outside] = stage.told().await;
    for (heard, to) in [(actor, &stage.actor), (inside, &stage.inside)] {
        let by = stage.user(to, 0).await;
        let mut expected = one("im.chat.member.user.deleted_v1", stage.of_users(to, &by, &[0]).await);
        expected.extend(one(
            "im.chat.updated_v1",
            json!({
                "chat_id": stage.world.chat_id, "external": false, "operator_id": by,
                "operator_tenant_key": stage.world.tenant_key,
                "before_change": {"owner_id": stage.user(to, 0).await},
                "after_change": {"owner_id": stage.user(to, heir).await},
            }),
        ));
        assert_eq!(heard, expected);
    }
    assert_eq!(outside, NOTHING);
}

#[tokio::test]
async fn a_chat_is_changed_in_the_client() {
    let stage = Stage::new().await;
    let path = format!("/chats/{}", stage.world.chat_id);
    let made = stage.world.control("POST", "/users").body(json!({"user_id": "newcomer"})).send().await.data();
    let patch = async |body: Value| stage.world.control("PATCH", &path).body(body).send().await.data();
    let by = &stage.world.users[1].user_id;
    patch(json!({"description": "a test"})).await;
    patch(json!({"as": by, "manage_widgets": "only_owner"})).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    patch(json!({"as": by, "name": "Market"})).await;
    let [actor, inside, outside] = stage.told().await;
    for (heard, to) in [(actor, &stage.actor), (inside, &stage.inside)] {
        let expected = json!({
            "chat_id": stage.world.chat_id, "external": false, "operator_id": stage.user(to, 1).await,
            "operator_tenant_key": stage.world.tenant_key,
            "before_change": {"name": "Square"}, "after_change": {"name": "Market"},
        });
        assert_eq!(heard, one("im.chat.updated_v1", expected));
    }
    assert_eq!(outside, NOTHING);
    // An owner who was not in the chat joins it: two events. So does a bot.
    let kinds = |heard: &Heard| heard.iter().map(|event| event.0.clone()).collect::<Vec<_>>();
    for (owner, joins) in [
        (text(&made, "user_id"), "im.chat.member.user.added_v1"),
        (stage.outside.app_id.clone(), "im.chat.member.bot.added_v1"),
    ] {
        patch(json!({"as": by, "owner": owner})).await;
        assert_eq!(kinds(&stage.told().await[1]), [joins, "im.chat.updated_v1"]);
    }
    let reply = stage.world.control("PATCH", &path).body(json!({"as": by, "chat_status": "dissolved"}));
    reply.send().await.refused(5275400);
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
}

#[tokio::test]
async fn invitations_are_approved_rejected_and_withdrawn() {
    let stage = Stage::new().await;
    let (world, users) = (&stage.world, &stage.world.users);
    let chat = format!("/chats/{}", world.chat_id);
    let asks = json!({"settings": {"membership_approval": "approval_required"}});
    world.control("PATCH", &chat).body(asks).send().await.data();
    world.control("DELETE", &stage.in_chat(&users[2].user_id)).send().await.data();
    let inviter = world.user_token(1, json!({})).await;
    let invite = async |form: &str, id: &str| {
        let path = format!("{}/members?member_id_type={form}", stage.chat());
        let body = json!({"id_list": [id]});
        let answer = world.call("POST", &path).token(&inviter).body(body).send().await.data();
        assert_eq!(answer["pending_approval_id_list"], json!([id]));
        assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "who waits did not join");
    };
    let pending = |id: &str| format!("{chat}/pending/{id}");
    invite("open_id", &users[2].open_id).await;
    world.control("DELETE", &pending(&users[2].user_id)).send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "the owner rejects it");
    invite("open_id", &users[2].open_id).await;
    let withdraw = world.control("DELETE", &pending(&users[2].user_id)).query("as", &users[1].user_id);
    withdraw.clone().send().await.data();
    assert_eq!(stage.told().await, of_user(&stage, "im.chat.member.user.withdrawn_v1", 1, 2).await);
    withdraw.send().await.refused(5275404);
    invite("open_id", &users[2].open_id).await;
    world.control("PUT", &pending(&users[2].user_id)).send().await.data();
    assert_eq!(stage.told().await, of_user(&stage, "im.chat.member.user.added_v1", 0, 2).await);
    invite("app_id", &stage.outside.app_id).await;
    world.control("PUT", &pending(&stage.outside.app_id)).send().await.data();
    let mut expected = by_user(&stage, "im.chat.member.bot.added_v1", 0).await;
    expected[2] = one(&expected[0][0].0, stage.of_chat(&stage.user(&stage.outside, 0).await));
    assert_eq!(stage.told().await, expected);
}

#[tokio::test]
async fn who_opens_a_link_joins() {
    let stage = Stage::new().await;
    let (world, users) = (&stage.world, &stage.world.users);
    world.control("DELETE", &stage.in_chat(&users[2].user_id)).send().await.data();
    let link = world.call("POST", &format!("{}/link", stage.chat())).send().await.data();
    let body = json!({"share_link": link["share_link"], "user_id": users[2].user_id});
    for _ in 0..2 {
        world.control("POST", "/share_links/open").body(body.clone()).send().await.data();
    }
    assert_eq!(stage.told().await, of_user(&stage, "im.chat.member.user.added_v1", 2, 2).await);
}

#[tokio::test]
async fn a_chat_is_dissolved_with_its_history_or_without() {
    let stage = Stage::new().await;
    let (world, by) = (&stage.world, &stage.world.users[0].user_id);
    let owned = json!({"owner": by, "members": [stage.inside.app_id]});
    let kept = world.chat(owned).await;
    let dissolve =
        |chat: &str, body: Value| world.control("POST", &format!("/chats/{chat}/dissolve")).body(body);
    let shown = dissolve(&kept, json!({"as": by, "keep_history": true})).send().await.data();
    assert_eq!(shown["chat_status"], "dissolved_save");
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    let shown = dissolve(&world.chat_id, json!({"as": by})).send().await.data();
    assert_eq!(shown["chat_status"], "dissolved");
    assert_eq!(stage.told().await, by_user(&stage, "im.chat.disbanded_v1", 0).await);
    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [by, stage.inside.app_id]})).await;
    for chat in [&kept, &p2p, &world.chat_id] {
        let reply = dissolve(chat, json!({"as": by})).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["chat_id"]);
    }
    dissolve("oc_x", json!({"as": by})).send().await.refused(5275404);
}

#[tokio::test]
async fn a_user_opens_the_chat_with_a_bot() {
    let stage = Stage::new().await;
    let (world, user) = (&stage.world, &stage.world.users[1]);
    let open = async |app: &str| {
        let body = json!({"as": user.user_id, "app_id": app});
        text(&world.control("POST", "/p2p").body(body).send().await.data(), "chat_id")
    };
    let chat_id = open(&stage.inside.app_id).await;
    let ids = stage.user(&stage.inside, 1).await;
    // A custom app is told the user_id here, whatever its scopes are.
    let by = json!({"open_id": ids["open_id"], "user_id": user.user_id});
    let created = json!({
        "app_id": stage.inside.app_id, "chat_id": chat_id, "operator": by, "tenant_key": world.tenant_key,
        "type": "p2p_chat_create",
        "user": {"name": user.name, "open_id": ids["open_id"], "user_id": user.user_id},
    });
    let entered =
        one("im.chat.access_event.bot_p2p_chat_entered_v1", json!({"chat_id": chat_id, "operator_id": ids}));
    let mut both = entered.clone();
    both.extend(one("p2p_chat_create", created));
    assert_eq!(stage.told().await, [NOTHING, both, NOTHING]);
    assert_eq!(open(&stage.inside.app_id).await, chat_id);
    assert_eq!(stage.told().await, [NOTHING, entered, NOTHING], "every opening is told, the creation once");
    // Once there is a message, the last one is named.
    let said = json!({"as": user.user_id, "text": "hello"});
    let path = format!("/chats/{chat_id}/messages");
    let sent = world.control("POST", &path).body(said).send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "it has no scope for messages");
    open(&stage.inside.app_id).await;
    let event = json!({
        "chat_id": chat_id, "last_message_create_time": sent["create_time"], "last_message_id": sent["message_id"],
        "operator_id": ids,
    });
    let entered = one("im.chat.access_event.bot_p2p_chat_entered_v1", event);
    assert_eq!(stage.told().await, [NOTHING, entered, NOTHING]);
    // The platform finds the chat.
    let token = world.user_token(1, json!({})).await;
    let path = "/im/v1/chat_p2p/batch_query";
    let bot = stage.bot(&stage.actor, &stage.actor);
    let own = open(&stage.actor.app_id).await;
    let asked = json!({"chatter_ids": [bot["open_id"]]});
    let found = world.call("POST", path).token(&token).body(asked).send().await.data();
    assert!(found.to_string().contains(&own), "{found}");
}

#[tokio::test]
async fn a_user_clicks_the_menu_of_a_bot() {
    let stage = Stage::new().await;
    let (world, user) = (&stage.world, &stage.world.users[1]);
    let click =
        |app: &str, body: Value| world.control("POST", &format!("/apps/{app}/menu_clicks")).body(body);
    for to in [&stage.actor, &stage.inside] {
        let body = json!({"as": user.user_id, "event_key": "help_page"});
        click(&to.app_id, body).send().await.data();
        let [actor, inside, outside] = stage.told().await;
        let (heard, other) = if to.app_id == world.app_id { (actor, inside) } else { (inside, actor) };
        let at = heard[0].1["timestamp"].as_i64().expect("a number");
        assert!(at > 1_500_000_000 && at < 10_000_000_000, "{at} is in seconds");
        let mut operator = json!({"operator_id": stage.user(to, 1).await});
        if to.app_id == world.app_id {
            operator["operator_name"] = json!(user.name);
        }
        let event = json!({"event_key": "help_page", "operator": operator, "timestamp": at});
        assert_eq!(heard, one("application.bot.menu_v6", event));
        assert_eq!((other, outside), (NOTHING, NOTHING));
    }
    for key in ["", "a key of more than thirty characters"] {
        let reply = click(&world.app_id, json!({"as": user.user_id, "event_key": key})).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["event_key"]);
    }
}

/// Store apps hear of new chats without user_ids, and neither of openings nor of clicks.
#[tokio::test]
async fn an_isv_app_hears_of_a_new_chat_only() {
    let stage = Stage::new().await;
    let (world, maker) = (&stage.world, stage.world.lab.world().await);
    let isv = maker.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let ear = Ear::of(&maker, &text(&isv, "app_id"), "").await;
    world.control("POST", "/installs").body(json!({"app_id": ear.app_id})).send().await.data();
    let by = &world.users[1].user_id;
    let opened = json!({"as": by, "app_id": ear.app_id});
    let chat_id = text(&world.control("POST", "/p2p").body(opened).send().await.data(), "chat_id");
    let clicked = json!({"as": by, "event_key": "k"});
    let path = format!("/apps/{}/menu_clicks", ear.app_id);
    world.control("POST", &path).body(clicked).send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    let heard = ear.heard();
    assert_eq!(heard.iter().map(|event| event.0.as_str()).collect::<Vec<_>>(), ["p2p_chat_create"]);
    let event = &heard[0].1;
    assert_eq!((&event["chat_id"], &event["tenant_key"]), (&json!(chat_id), &json!(world.tenant_key)));
    assert_eq!((&event["user"]["user_id"], &event["operator"]["user_id"]), (&Value::Null, &Value::Null));
}

/// Who can act in the client: an active user of the world, in a chat as one of its members, with an app that the user sees.
#[tokio::test]
async fn who_cannot_act() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let frozen = json!({"user_id": "frozen", "status": "frozen"});
    world.control("POST", "/users").body(frozen).send().await.data();
    world.control("POST", "/users").body(json!({"user_id": "stranger"})).send().await.data();
    let (chat, member) = (format!("/chats/{}", world.chat_id), stage.in_chat("stranger"));
    for (who, code, in_chats_only) in
        [("unknown", 5275404, false), ("frozen", 5275400, false), ("stranger", 5275400, true)]
    {
        let click = format!("/apps/{}/menu_clicks", world.app_id);
        let mut requests = vec![
            world.control("POST", &format!("{chat}/dissolve")).body(json!({"as": who})),
            world.control("PATCH", &chat).body(json!({"as": who, "name": "n"})),
            world.control("PUT", &member).body(json!({"as": who})),
            world.control("DELETE", &member).query("as", who),
            world.control("DELETE", &format!("{chat}/pending/stranger")).query("as", who),
        ];
        if !in_chats_only {
            requests.push(world.control("POST", "/p2p").body(json!({"as": who, "app_id": world.app_id})));
            requests.push(world.control("POST", &click).body(json!({"as": who, "event_key": "k"})));
        }
        for request in requests {
            let reply = request.send().await;
            reply.refused(code);
            assert_eq!(reply.violated(), ["as"], "{who}");
        }
    }
    let by = &world.users[1].user_id;
    let inside = &stage.inside.app_id;
    for unusable in
        [json!({"bot": false}), json!({"bot": true, "status": "disabled"}), json!({"visible_to": []})]
    {
        world.set_app(inside, json!({"bot": true, "status": "enabled", "visible_to_all": true})).await;
        world.set_app(inside, unusable).await;
        let reply = world.control("POST", "/p2p").body(json!({"as": by, "app_id": inside})).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["app_id"]);
    }
    world.control("POST", "/p2p").body(json!({"as": by, "app_id": "cli_x"})).send().await.refused(5275404);
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
}
