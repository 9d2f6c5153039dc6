//! `im/v1/chats/batch_query`, `im/v1/chat_p2p/batch_query`, and p2p chats in `GET im/v1/chats`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, open_id, refused, set_chat, text, world};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn chats(world: &World, ids: Value) -> Request {
    world.call("POST", "/im/v1/chats/batch_query").body(json!({"chat_ids": ids}))
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn talks(world: &World, token: &str, ids: Value) -> Request {
    world.call("POST", "/im/v1/chat_p2p/batch_query").token(token).body(json!({"chatter_ids": ids}))
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("items").iter().map(|item| text(item, "chat_id")).collect()
}

/// A p2p chat of two parties, each a user_id or an app_id, a second after the previous one.
async fn p2p(world: &World, one: &str, other: &str) -> String {
    world.advance(1).await;
    world.chat(json!({"chat_mode": "p2p", "members": [one, other]})).await
}

/// The open_id of the world's bot, as its app sees it.
async fn bot_id(world: &World) -> String {
    text(&world.call("GET", "/bot/v3/info").send().await.json()["bot"], "open_id")
}

#[tokio::test]
async fn chats_are_found_by_id_if_the_operator_is_in_them() {
    let world = world().await;
    let (me, other) = (&world.users[0], &world.users[1]);
    let topic =
        json!({"chat_mode": "topic", "owner": world.app_id, "members": [me.user_id], "description": "d"});
    let topic = world.chat(topic).await;
    let gone =
        world.chat(json!({"members": [world.app_id], "chat_status": "dissolved", "external": true})).await;
    let strange = world.chat(json!({"members": [other.user_id]})).await;
    let with_bot = p2p(&world, &world.app_id, &me.user_id).await;
    let elsewhere = world.lab.world().await.chat_id;

    let asked = json!([gone, "x", world.chat_id, strange, topic, elsewhere, with_bot, gone]);
    let reply = chats(&world, asked.clone()).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let data = reply.data();
    assert_eq!(ids(&data), [gone.as_str(), &world.chat_id, &topic, &with_bot], "in the order of the request");
    let [old, own, topical, talk] = [0, 1, 2, 3].map(|at| &data["items"][at]);
    assert_eq!((&old["chat_status"], &old["external"]), (&json!("dissolved"), &json!(true)));
    assert_eq!((&own["owner_id"], &own["owner_id_type"]), (&json!(me.open_id), &json!("open_id")));
    assert_eq!((&own["chat_mode"], &own["tenant_key"]), (&json!("group"), &json!(world.tenant_key)));
    assert!(own.get("p2p_target_id").is_none() && own.get("p2p_target_type").is_none(), "{own}");
    assert_eq!((&topical["chat_mode"], &topical["description"]), (&json!("topic"), &json!("d")));
    assert!(topical.get("owner_id").is_none(), "a bot owns it: {topical}");
    let parties = (&json!("p2p"), &json!(""), &json!("user"), &json!(me.open_id));
    assert_eq!(
        (&talk["chat_mode"], &talk["name"], &talk["p2p_target_type"], &talk["p2p_target_id"]),
        parties
    );
    assert!(text(talk, "avatar").starts_with("https://"));

    // The same chat from the other side, and with another form of ids.
    let user = world.user_token(0, json!({})).await;
    let theirs = chats(&world, json!([with_bot, gone])).token(&user).send().await.data();
    assert_eq!(ids(&theirs), [with_bot.as_str()]);
    let talk = &theirs["items"][0];
    let bot = bot_id(&world).await;
    assert_eq!((&talk["p2p_target_type"], &talk["p2p_target_id"]), (&json!("bot"), &json!(bot)));
    let between = p2p(&world, &me.user_id, &other.user_id).await;
    let formed = chats(&world, json!([between, world.chat_id])).query("user_id_type", "user_id").token(&user);
    let formed = formed.send().await.data();
    assert_eq!(formed["items"][0]["p2p_target_id"], json!(other.user_id));
    assert_eq!(formed["items"][1]["owner_id"], json!(me.user_id));
}

#[tokio::test]
async fn what_the_batches_refuse() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    for wrong in [json!([]), json!(vec!["oc_1"; 51]), Value::Null] {
        let reply = chats(&world, wrong.clone()).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), ["chat_ids"]);
        let reply = talks(&world, &user, wrong).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), ["chatter_ids"]);
    }
    chats(&world, json!("oc_1")).send().await.refused(9499);
    talks(&world, &user, json!([1])).send().await.refused(9499);
    refused(&chats(&world, json!(["oc_1"])).query("user_id_type", "email").send().await, 99992402);
    for (form, id, code) in
        [("open_id", "ou_x", 99992351), ("union_id", "on_x", 99992363), ("user_id", "unknown", 99992360)]
    {
        talks(&world, &user, json!([id])).query("user_id_type", form).send().await.refused(code);
    }
    let (other, _) = world.app(json!({"name": "other"})).await;
    let foreign = open_id(&world, 1, &other).await;
    talks(&world, &user, json!([foreign])).send().await.refused(99992361);
    for (change, code) in
        [(json!({"bot": false}), 232025), (json!({"bot": true, "status": "disabled"}), 232034)]
    {
        world.set_app(&world.app_id, change).await;
        refused(&chats(&world, json!([world.chat_id])).send().await, code);
        refused(&talks(&world, &user, json!([world.users[1].open_id])).send().await, code);
    }
}

#[tokio::test]
async fn a_user_finds_the_chats_with_others() {
    let world = world().await;
    let [me, anna, bert] = [0, 1, 2].map(|at| &world.users[at]);
    let user = world.user_token(0, json!({})).await;
    let first = p2p(&world, &me.user_id, &anna.user_id).await;
    let with_bot = p2p(&world, &world.app_id, &me.user_id).await;
    p2p(&world, &anna.user_id, &bert.user_id).await;
    let bot = bot_id(&world).await;
    let asked = json!([bert.open_id, bot, anna.open_id, bot]);
    let reply = talks(&world, &user, asked.clone()).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let chat = |id: &str, with: &str| json!({"chat_id": id, "chatter_id1": me.open_id, "chatter_id2": with});
    assert_eq!(reply.data(), json!({"p2p_chats": [chat(&with_bot, &bot), chat(&first, &anna.open_id)]}));

    // However the form of ids is requested, the first name wins.
    for query in
        ["chatter_id_type=user_id", "user_id_type=user_id", "chatter_id_type=user_id&user_id_type=open_id"]
    {
        let path = format!("/im/v1/chat_p2p/batch_query?{query}");
        let body = json!({"chatter_ids": [anna.user_id]});
        let data = world.call("POST", &path).token(&user).body(body).send().await.data();
        let expected = json!({"chat_id": first, "chatter_id1": me.user_id, "chatter_id2": anna.user_id});
        assert_eq!(data, json!({"p2p_chats": [expected]}), "{query}");
    }

    // Of two chats of the same parties, the oldest active one counts.
    let second = p2p(&world, &anna.user_id, &me.user_id).await;
    let found = async || talks(&world, &user, json!([anna.open_id])).send().await.data()["p2p_chats"].clone();
    assert_eq!(found().await[0]["chat_id"], json!(first));
    set_chat(&world, &first, json!({"chat_status": "dissolved"})).await;
    assert_eq!(found().await[0]["chat_id"], json!(second));
    // A chat that becomes a group is no longer a p2p chat, until it is one again.
    set_chat(&world, &second, json!({"chat_mode": "group"})).await;
    assert_eq!(found().await, json!([]));
    set_chat(&world, &second, json!({"chat_mode": "p2p"})).await;
    assert_eq!(found().await[0]["chat_id"], json!(second));
    let theirs = world.user_token(1, json!({})).await;
    let back = talks(&world, &theirs, json!([me.open_id])).send().await.data();
    assert_eq!(back["p2p_chats"][0]["chat_id"], json!(second), "both ends find the same one");
}

fn list(world: &World, token: &str, types: &str) -> Request {
    world.call("GET", "/im/v1/chats").query("types", types).token(token)
}

#[tokio::test]
async fn a_user_lists_p2p_chats_too() {
    let world = world().await;
    let (me, anna) = (&world.users[0], &world.users[1]);
    let user = world.user_token(0, json!({})).await;
    let with_bot = p2p(&world, &world.app_id, &me.user_id).await;
    world.advance(1).await;
    let group = world.chat(json!({"name": "g", "members": [me.user_id]})).await;
    let with_anna = p2p(&world, &anna.user_id, &me.user_id).await;
    p2p(&world, &anna.user_id, &world.users[2].user_id).await;

    let data = list(&world, &user, "p2p").send().await.data();
    assert_eq!(ids(&data), [with_bot.as_str(), &with_anna]);
    let app = world.control("GET", &format!("/apps/{}", world.app_id)).send().await.data();
    let bot = bot_id(&world).await;
    let [first, second] = [0, 1].map(|at| &data["items"][at]);
    assert_eq!((&first["name"], &first["p2p_target_type"]), (&app["name"], &json!("bot")));
    assert_eq!((&first["p2p_target_id"], &first["chat_mode"]), (&json!(bot), &json!("p2p")));
    assert_eq!((&second["name"], &second["p2p_target_type"]), (&json!(anna.name), &json!("user")));
    assert_eq!(second["p2p_target_id"], json!(anna.open_id));
    let formed = list(&world, &user, "p2p").query("user_id_type", "user_id").send().await.data();
    assert_eq!(formed["items"][1]["p2p_target_id"], json!(anna.user_id));

    let all = [world.chat_id.as_str(), &with_bot, &group, &with_anna];
    for types in ["p2p,group", "group,p2p"] {
        let data = list(&world, &user, types).send().await.data();
        assert_eq!(ids(&data), all);
        assert_eq!(
            (&data["items"][0]["chat_mode"], &data["items"][2]["name"]),
            (&json!("group"), &json!("g"))
        );
    }
    let (mut newest, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(&world, &user, "p2p").query("types", "group").query("sort_type", "ByActiveTimeDesc");
        let page = page.query("page_size", "1").query("page_token", &token).send().await.data();
        newest.extend(ids(&page));
        token = text(&page, "page_token");
        if token.is_empty() {
            break;
        }
        // A token is valid for the same types only.
        refused(&list(&world, &user, "p2p").query("page_token", &token).send().await, 232001);
    }
    assert_eq!(newest, all.into_iter().rev().collect::<Vec<_>>());

    // With groups alone, the answer is unchanged.
    let plain = world.call("GET", "/im/v1/chats").token(&user).send().await.data();
    assert_eq!(list(&world, &user, "group").send().await.data(), plain);
    assert_eq!(ids(&plain), [world.chat_id.as_str(), &group]);
    assert!(!names(&plain["items"][0]).contains(&"chat_mode"), "{plain}");

    for types in ["p2p", "p2p,group"] {
        let reply = list(&world, &world.token, types).send().await;
        refused(&reply, 232001);
        assert_eq!(reply.violated(), ["types"]);
    }
    assert_eq!(ids(&list(&world, &world.token, "group").send().await.data()), [world.chat_id.as_str()]);
    let reply = list(&world, &user, "topic").send().await;
    refused(&reply, 99992402);
    assert_eq!(reply.violated(), ["types"]);
    // A dissolved one is no longer listed, nor is a group among p2p chats.
    set_chat(&world, &with_anna, json!({"chat_status": "dissolved"})).await;
    set_chat(&world, &with_bot, json!({"chat_mode": "group"})).await;
    assert_eq!(ids(&list(&world, &user, "p2p").send().await.data()), Vec::<String>::new());
    assert_eq!(
        ids(&list(&world, &user, "group").send().await.data()),
        [world.chat_id.as_str(), &with_bot, &group]
    );
}
