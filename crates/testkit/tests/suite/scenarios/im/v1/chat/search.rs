//! `GET /im/v1/chats/search` and `POST /im/v2/chats/search`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

fn search(world: &World, query: &str) -> Request {
    world.call("GET", "/im/v1/chats/search").query("query", query)
}

fn search_v2(world: &World, body: Value) -> Request {
    world.call("POST", "/im/v2/chats/search").body(body)
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    let id = |item: &Value| item.get("meta_data").unwrap_or(item)["chat_id"].as_str().map(str::to_owned);
    items.map(|item| id(item).expect("a chat_id")).collect()
}

async fn found(request: Request) -> Vec<String> {
    ids(&request.send().await.data())
}

/// A chat whose only member is the app's bot.
async fn chat(world: &World, name: &str) -> String {
    world.advance(1).await;
    world.chat(json!({"name": name, "members": [world.app_id]})).await
}

/// A public chat without the app's bot.
async fn public(world: &World, name: &str) -> String {
    world.advance(1).await;
    world.chat(json!({"name": name, "chat_type": "public", "members": [world.users[0].user_id]})).await
}

#[tokio::test]
async fn names_are_found_by_the_beginnings_of_their_words() {
    let world = Lab::start().await.world().await;
    let ball = chat(&world, "Big Red-Ball 项目组").await;
    let i18n = json!({"zh_cn": "设计评审", "en_us": "Design review", "ja_jp": "デザイン"});
    let review = world.chat(json!({"i18n_names": i18n, "members": [world.app_id]})).await;
    for query in [
        "big",
        "RED",
        "ball",
        "red-ball",
        "目组",
        "项目组",
        "pro",
        "big red",
        "组 big",
        "b r b",
        "\"big red\"",
    ] {
        let expected = if query == "pro" { vec![] } else { vec![ball.clone()] };
        assert_eq!(found(search(&world, query)).await, expected, "{query}");
    }
    for query in ["设计", "评审", "design", "review des", "デザ", "ザイン"] {
        assert_eq!(found(search(&world, query)).await, [review.as_str()], "{query}");
    }
    for query in ["ig", "ball big pen", "\"ball big\"", "\"red ball\"", "审设"] {
        assert_eq!(found(search(&world, query)).await, Vec::<String>::new(), "{query}");
    }
    // A hyphen in quotes is literal; outside, it separates words.
    let other = chat(&world, "Ball and red pen").await;
    assert_eq!(found(search(&world, "red-ball")).await, [ball.clone(), other]);
    assert_eq!(found(search(&world, "\"red-ball\"")).await, [ball.as_str()]);

    let path = format!("/im/v1/chats/{ball}");
    world.call("PUT", &path).body(json!({"name": "Small"})).send().await.data();
    assert_eq!(found(search(&world, "small")).await, [ball]);
    assert_eq!(found(search(&world, "big")).await, Vec::<String>::new(), "the old name is forgotten");
}

#[tokio::test]
async fn a_joined_chat_is_found_by_the_names_of_its_members() {
    let world = Lab::start().await.world().await;
    let made =
        world.control("POST", "/users").body(json!({"name": "Zelda Lovelace 李雷"})).send().await.data();
    let zelda = made["user_id"].as_str().expect("a user_id").to_owned();
    let joined = world.chat(json!({"name": "engines", "members": [world.app_id, zelda]})).await;
    world.chat(json!({"name": "secret", "members": [zelda]})).await;
    world.chat(json!({"name": "open", "chat_type": "public", "members": [zelda]})).await;
    for query in ["zelda", "love", "李", "lovelace zelda", "engines zelda", "zelda eng"] {
        assert_eq!(found(search(&world, query)).await, [joined.as_str()], "{query}");
    }
    assert_eq!(found(search(&world, "zelda secret")).await, Vec::<String>::new());
    // The operator's own name does not match all of its chats.
    let user = world.user_token(0, json!({})).await;
    let own = search(&world, &world.users[0].name).token(&user);
    assert_eq!(found(own).await, Vec::<String>::new());
    let path = format!("/users/{zelda}");
    world.control("PATCH", &path).body(json!({"name": "Grace"})).send().await.data();
    assert_eq!(found(search(&world, "zelda")).await, Vec::<String>::new());
    assert_eq!(found(search(&world, "grace")).await, [joined]);
}

#[tokio::test]
async fn the_operator_finds_joined_and_public_chats() {
    let world = Lab::start().await.world().await;
    let joined = chat(&world, "town hall").await;
    let open = public(&world, "town square").await;
    let private = world.chat(json!({"name": "town gate", "members": [world.users[0].user_id]})).await;
    let abroad = json!({"name": "town abroad", "chat_type": "public", "external": true});
    let external = world.chat(abroad).await;
    let gone = json!({"name": "town gone", "chat_type": "public", "chat_status": "dissolved", "members": [world.app_id]});
    world.chat(gone).await;
    let kept = json!({"name": "town kept", "chat_type": "public", "chat_status": "dissolved_save"});
    world.chat(kept).await;
    let parties =
        json!({"name": "town p2p", "chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]});
    world.chat(parties).await;
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let as_bot = found(search(&world, "town")).await;
    assert_eq!(sorted(as_bot), sorted(vec![joined.clone(), open.clone(), external.clone()]));
    let user = world.user_token(0, json!({})).await;
    let as_user = found(search(&world, "town").token(&user)).await;
    assert_eq!(sorted(as_user), sorted(vec![open.clone(), private, external]));

    let page = search(&world, "square").send().await.data();
    let item = &page["items"][0];
    assert_eq!((&item["chat_id"], &item["name"]), (&json!(open), &json!("town square")));
    assert_eq!((&item["external"], &item["chat_status"]), (&json!(false), &json!("normal")));
    assert!(item.get("owner_id").is_none() && item["tenant_key"] == world.tenant_key);
    let owned = search(&world, "demo").query("user_id_type", "user_id").send().await.data();
    assert_eq!(owned["items"][0]["owner_id"], world.users[0].user_id);

    let other = world.lab.world().await;
    assert_eq!(found(search(&other, "town")).await, Vec::<String>::new(), "another tenant's chats");
    world.call("DELETE", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(found(search(&world, "demo")).await, Vec::<String>::new(), "a dissolved one");
}

/// Every page of a search, in order.
async fn pages(request: Request, size: usize) -> Vec<String> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = request.clone().query("page_size", &size.to_string()).query("page_token", &token);
        let page = page.send().await.data();
        token = page["page_token"].as_str().expect("a token").to_owned();
        assert_eq!(page["has_more"].as_bool().expect("a flag"), !token.is_empty());
        let found = ids(&page);
        assert!(found.len() == size || token.is_empty(), "only the last page is short");
        all.extend(found);
        if token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other() {
    let world = Lab::start().await.world().await;
    let mut chats = Vec::new();
    for n in 0..7 {
        let name = format!("team {n}");
        chats.push(if n % 2 == 0 { chat(&world, &name).await } else { public(&world, &name).await });
    }
    for size in [1, 3, 7, 100] {
        assert_eq!(pages(search(&world, "team"), size).await, chats, "the oldest first");
        assert_eq!(pages(search_v2(&world, json!({"query": "team"})), size).await, chats);
    }
    let newest: Vec<String> = chats.iter().rev().cloned().collect();
    for size in [2, 100] {
        let body = json!({"query": "team", "sorter": "create_time_desc"});
        assert_eq!(pages(search_v2(&world, body), size).await, newest);
    }
    let first = search(&world, "team").query("page_size", "1").send().await.data();
    let token = first["page_token"].as_str().expect("a token");
    search(&world, "team").query("page_token", token).send().await.data();
    search(&world, "tea").query("page_token", token).send().await.refused(232001);
    search(&world, "team\n").query("page_token", token).send().await.refused(232001);
    let user = world.user_token(0, json!({})).await;
    search(&world, "team").token(&user).query("page_token", token).send().await.refused(232001);
    search_v2(&world, json!({"query": "team"})).query("page_token", token).send().await.refused(232001);
    for wrong in ["x", "00", &token[2..]] {
        search(&world, "team").query("page_token", wrong).send().await.refused(232001);
    }
}

#[tokio::test]
async fn too_short_and_too_long_queries_find_nothing() {
    let world = Lab::start().await.world().await;
    let name = "群".repeat(64);
    let long = chat(&world, &name).await;
    assert_eq!(found(search(&world, &name)).await, [long.as_str()]);
    let empty = json!({"items": [], "page_token": "", "has_more": false});
    for query in ["", " ", "-", "\"\"", &"群".repeat(65)] {
        assert_eq!(search(&world, query).send().await.data(), empty, "{query}");
    }
    assert_eq!(world.call("GET", "/im/v1/chats/search").send().await.data(), empty);
    for size in ["0", "101"] {
        search(&world, "x").query("page_size", size).send().await.refused(99992402);
    }
    search(&world, "x").query("user_id_type", "email").send().await.refused(99992402);

    search_v2(&world, json!({})).send().await.refused(232001);
    search_v2(&world, json!({"query": "群".repeat(65)})).send().await.refused(232001);
    assert_eq!(found(search_v2(&world, json!({"query": name}))).await, [long]);
    for wrong in [
        json!({"query": "x", "sorter": "name"}),
        json!({"query": "x", "filter": {"search_types": ["secret"]}}),
        json!({"query": "x", "filter": {"chat_modes": ["p2p"]}}),
        json!({"query": "x", "filter": {"member_ids": vec!["ou_x"; 51]}}),
    ] {
        search_v2(&world, wrong).send().await.refused(232001);
    }
}

#[tokio::test]
async fn the_app_must_have_a_bot_and_be_in_use() {
    let world = Lab::start().await.world().await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    search(&world, "x").send().await.refused(232025);
    search_v2(&world, json!({"query": "x"})).send().await.refused(232025);
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    let refused = search(&world, "x").send().await.refused(232034);
    assert_eq!(refused["msg"], "The app is unavailable or inactivate in the tenant.");
    let refused = search_v2(&world, json!({"query": "x"})).send().await.refused(232034);
    assert_eq!(refused["msg"], "The app is unavailable or inactivated by the tenant.");
}

#[tokio::test]
async fn filters_keep_some_of_what_was_found() {
    let world = Lab::start().await.world().await;
    let (app, user) = (&world.app_id, &world.users[1]);
    let make = |body: Value| world.chat(body);
    let private = make(json!({"name": "team private", "members": [app, user.user_id]})).await;
    let joined =
        make(json!({"name": "team joined", "chat_type": "public", "members": [app], "managers": [app]}))
            .await;
    let open = make(json!({"name": "team open", "chat_type": "public", "members": [user.user_id]})).await;
    let external = make(json!({"name": "team external", "external": true, "owner": app})).await;
    let topic = make(json!({"name": "team topic", "chat_mode": "topic", "members": [app]})).await;
    let threads = make(
        json!({"name": "team threads", "group_message_type": "thread", "creator_app": app, "members": [app]}),
    )
    .await;
    let all = [&private, &joined, &open, &external, &topic, &threads];
    let check = async |body: Value, expected: &[&String]| {
        let data = search_v2(&world, body.clone()).send().await.data();
        let (mut found, mut wanted) =
            (ids(&data), expected.iter().map(|id| (*id).clone()).collect::<Vec<_>>());
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{body}");
        assert_eq!(data["total"], expected.len());
    };
    let of = |filter: Value| json!({"query": "team", "filter": filter});
    check(of(json!({})), &all).await;
    check(of(json!({"search_types": ["private"]})), &[&private, &topic, &threads]).await;
    check(of(json!({"search_types": ["public_joined", "external"]})), &[&joined, &external]).await;
    check(of(json!({"search_types": ["public_not_joined"]})), &[&open]).await;
    check(of(json!({"chat_modes": ["thread"]})), &[&topic, &threads]).await;
    check(of(json!({"chat_modes": ["default"]})), &[&private, &joined, &open, &external]).await;
    check(of(json!({"is_manager": true})), &[&joined, &external, &threads]).await;
    // The members of a public chat are hidden from outsiders.
    check(of(json!({"member_ids": [user.open_id]})), &[&private]).await;
    check(json!({"filter": {"member_ids": [user.open_id, user.open_id]}}), &[&world.chat_id, &private]).await;
    let third = make(json!({"members": [app, user.user_id, world.users[2].user_id]})).await;
    let both = json!({"filter": {"member_ids": [user.open_id, world.users[2].open_id]}});
    check(both, &[&world.chat_id, &third]).await;

    let named = json!({"query": user.name});
    check(named.clone(), &[&world.chat_id, &private, &third]).await;
    check(json!({"query": user.name, "filter": {"disable_search_by_user": true}}), &[]).await;
    let refused =
        [("open_id", "ou_x", 99992351), ("union_id", "on_x", 99992363), ("user_id", "unknown", 99992360)];
    for (form, id, code) in refused {
        let request = search_v2(&world, json!({"filter": {"member_ids": [id]}})).query("user_id_type", form);
        request.send().await.refused(code);
    }
    let (_, token) = world.app(json!({"name": "other"})).await;
    let theirs = search_v2(&world, json!({"filter": {"member_ids": [user.open_id]}})).token(&token);
    theirs.send().await.refused(99992361);
}

#[tokio::test]
async fn the_other_search_shows_and_sorts() {
    let world = Lab::start().await.world().await;
    let (app, user) = (&world.app_id, &world.users[0].user_id);
    let large = world.chat(json!({"name": "sorted a", "owner": user, "members": [app]})).await;
    world.advance(5).await;
    let late = world.chat(json!({"name": "sorted b", "chat_mode": "topic", "owner": app})).await;
    world.advance(5).await;
    world.call("PUT", &format!("/im/v1/chats/{large}")).body(json!({"description": "d"})).send().await.data();
    let by = |sorter: &str| search_v2(&world, json!({"query": "sorted", "sorter": sorter}));
    assert_eq!(found(by("create_time_desc")).await, [late.clone(), large.clone()]);
    assert_eq!(found(by("update_time_desc")).await, [large.clone(), late.clone()]);
    assert_eq!(found(by("member_count_desc")).await, [large.clone(), late]);
    assert_eq!(pages(by("member_count_desc"), 1).await[0], large);

    let data = search_v2(&world, json!({"query": "sorted"})).send().await.data();
    assert_eq!(
        (&data["total"], &data["has_more"], &data["page_token"]),
        (&json!(2), &json!(false), &json!(""))
    );
    assert_eq!(data["items"][0]["id"], json!(large));
    let meta = &data["items"][0]["meta_data"];
    assert_eq!((&meta["chat_id"], &meta["name"]), (&json!(large), &json!("sorted a")));
    assert_eq!((&meta["description"], &meta["chat_mode"]), (&json!("d"), &json!("group")));
    assert_eq!((&meta["owner_id"], &meta["external"]), (&json!(world.users[0].open_id), &json!(false)));
    assert_eq!(meta["chat_status"], "normal");
    let time = |name: &str| meta[name].as_str().expect(name).parse::<i64>().expect("milliseconds");
    let later = time("update_time") - time("create_time");
    assert!((10_000..60_000).contains(&later), "it was changed ten seconds later: {meta}");
    // Parameters that some callers send in the body count only in the query.
    let sent = json!({"query": "sorted", "page_size": 1, "page_token": "x"});
    assert_eq!(search_v2(&world, sent).send().await.data()["items"].as_array().expect("items").len(), 2);
    assert_eq!(data["items"][1]["meta_data"]["chat_mode"], "topic");
}
