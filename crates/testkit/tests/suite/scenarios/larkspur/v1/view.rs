//! Chats as people see them: `chats` and `chats/:chat_id/view`.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{text, world};

async fn chats(world: &World, query: &str) -> Value {
    get(world, &format!("/chats?{query}")).await
}

async fn view(world: &World, chat: &str, user: usize) -> Value {
    get(world, &format!("/chats/{chat}/view?as={}", world.users[user].user_id)).await
}

async fn say(world: &World, chat: &str, user: usize, words: &str) -> String {
    let body = json!({"as": world.users[user].user_id, "text": words});
    let said = world.control("POST", &format!("/chats/{chat}/messages")).body(body).send().await.data();
    world.advance(1).await;
    text(&said, "message_id")
}

async fn read(world: &World, message: &str, user: usize) {
    let body = json!({"as": world.users[user].user_id});
    world.control("PUT", &format!("/messages/{message}/read")).body(body).send().await.data();
}

async fn open(world: &World, user: usize) -> String {
    let body = json!({"as": world.users[user].user_id, "app_id": world.app_id});
    text(&world.control("POST", "/p2p").body(body).send().await.data(), "chat_id")
}

fn ids(list: &Value) -> Vec<String> {
    list["chats"].as_array().expect("a list").iter().map(|chat| text(chat, "chat_id")).collect()
}

/// The entry of a chat in a list.
fn of<'a>(list: &'a Value, chat: &str) -> &'a Value {
    let all = list["chats"].as_array().expect("a list").iter();
    all.into_iter().find(|one| one["chat_id"] == chat).expect("listed")
}

async fn unread(world: &World, chat: &str, user: usize) -> u64 {
    let list = chats(world, &format!("as={}", world.users[user].user_id)).await;
    let unread = of(&list, chat)["unread"].as_u64().expect("a number");
    assert_eq!(view(world, chat, user).await["unread"], unread, "the list and the view agree");
    unread
}

#[tokio::test]
async fn a_list_has_the_latest_activity_first() {
    let world = world().await;
    let both = json!([world.users[0].user_id, world.users[1].user_id]);
    let group = world.chat(json!({"name": "Ops", "i18n_names": {"zh_cn": "运维"}, "owner": world.users[0].user_id, "members": both})).await;
    world.advance(61).await;
    let alone = world.chat(json!({"owner": world.users[1].user_id})).await;
    world.advance(61).await;
    let p2p = open(&world, 0).await;
    world.advance(61).await;
    say(&world, &group, 1, "hello").await;

    let all = chats(&world, "").await;
    assert_eq!(ids(&all)[..3], [group.clone(), p2p.clone(), alone.clone()]);
    let of_p2p = of(&all, &p2p);
    let parties: Vec<&Value> =
        of_p2p["parties"].as_array().expect("two").iter().map(|one| &one["kind"]).collect();
    assert!(parties.contains(&&json!("user")) && parties.contains(&&json!("bot")), "{of_p2p}");
    for absent in ["with", "role", "unread"] {
        assert!(of_p2p.get(absent).is_none(), "{absent}");
    }

    let own = chats(&world, &format!("as={}&lang=zh_cn", world.users[0].user_id)).await;
    assert_eq!(ids(&own)[..2], [group.clone(), p2p.clone()]);
    assert!(!ids(&own).contains(&alone), "a chat of others");
    let shown = of(&own, &group);
    assert_eq!((&shown["name"], &shown["role"]), (&json!("运维"), &json!("owner")));
    let last = &shown["last"];
    assert_eq!((&last["line"], &last["sender"]), (&json!("hello"), &json!(world.users[1].user_id)));
    assert_eq!((&last["sender_name"], &last["sender_kind"]), (&json!(world.users[1].name), &json!("user")));
    let with = &of(&own, &p2p)["with"];
    assert_eq!((&with["member"], &with["kind"]), (&json!(world.app_id), &json!("bot")));
    assert_eq!((&shown["user_count"], &shown["bot_count"]), (&json!(2), &json!(0)));

    world
        .control("PATCH", &format!("/chats/{group}"))
        .body(json!({"chat_status": "dissolved"}))
        .send()
        .await
        .data();
    let own = chats(&world, &format!("as={}", world.users[0].user_id)).await;
    assert!(!ids(&own).contains(&group), "gone from the client");
    assert_eq!(of(&chats(&world, "").await, &group)["chat_status"], "dissolved");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let world = world().await;
    let ada = &world.users[0].user_id;
    let mut made = Vec::new();
    for number in 0..7 {
        if number % 3 == 0 {
            world.advance(1).await;
        }
        made.push(world.chat(json!({"name": number.to_string(), "owner": ada})).await);
    }
    made.push(open(&world, 0).await);
    for whose in ["", &format!("as={ada}&")] {
        let whole = ids(&chats(&world, &format!("{whose}limit=100")).await);
        assert!(made.iter().all(|chat| whole.contains(chat)), "{whose}");
        let (mut paged, mut before) = (Vec::new(), String::new());
        loop {
            let page = chats(&world, &format!("{whose}limit=3{before}")).await;
            paged.extend(ids(&page));
            let Some(next) = page["before"].as_str() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(paged, whole, "{whose}: no chat is skipped or repeated");
    }
    declined(&world.control("GET", "/chats?before=x").send().await, 5_275_400, "before");
    declined(&world.control("GET", "/chats?as=unknown").send().await, 5_275_404, "as");
}

#[tokio::test]
async fn unread_is_what_came_after_the_latest_message_read_or_sent() {
    let world = world().await;
    let members = json!([world.users[0].user_id, world.users[1].user_id, world.users[2].user_id]);
    let chat = world.chat(json!({"members": members})).await;
    assert_eq!(unread(&world, &chat, 0).await, 0);
    let first = say(&world, &chat, 1, "1").await;
    let second = say(&world, &chat, 1, "2").await;
    let third = say(&world, &chat, 1, "3").await;
    assert_eq!(unread(&world, &chat, 0).await, 3);
    assert_eq!(unread(&world, &chat, 1).await, 0, "the sender's own");
    read(&world, &second, 0).await;
    assert_eq!(unread(&world, &chat, 0).await, 1);
    assert_eq!(unread(&world, &chat, 2).await, 3, "others read for themselves");
    read(&world, &first, 2).await;
    assert_eq!(unread(&world, &chat, 2).await, 2);
    let path = format!("/messages/{third}?as={}", world.users[1].user_id);
    world.control("DELETE", &path).send().await.data();
    assert_eq!(unread(&world, &chat, 0).await, 0, "a recalled message is nothing to read");
    say(&world, &chat, 0, "4").await;
    say(&world, &chat, 1, "5").await;
    assert_eq!(unread(&world, &chat, 0).await, 1, "who speaks has read");
    // Who comes later has nothing to read of before.
    let body = json!({"user_id": "late", "name": "Late"});
    world.control("POST", "/users").body(body).send().await.data();
    world.control("PUT", &format!("/chats/{chat}/members/late")).body(json!({})).send().await.data();
    let of_late = async || of(&chats(&world, "as=late").await, &chat)["unread"].clone();
    assert_eq!(of_late().await, 0);
    for _ in 0..120 {
        let body = json!({"as": world.users[1].user_id, "text": "again"});
        world.control("POST", &format!("/chats/{chat}/messages")).body(body).send().await.data();
    }
    assert_eq!(of_late().await, 100, "the count ends");
}

#[tokio::test]
async fn a_view_shows_what_the_user_sees() {
    let world = world().await;
    let (ada, ben) = (&world.users[0].user_id, &world.users[1].user_id);
    let tabs = json!([{"tab_type": "url", "tab_name": "Wiki", "target": "https://example.com"}]);
    let body = json!({"name": "Ops", "i18n_names": {"zh_cn": "运维"}, "owner": ada, "members": [ben, world.app_id], "managers": [world.app_id], "tabs": tabs});
    let chat = world.chat(body).await;
    let tag = json!({"create_tag": {"tag_type": "tenant", "name": "on-call", "i18n_names": [{"locale": "zh_cn", "name": "值班"}]}});
    let tag = text(&world.call("POST", "/im/v2/tags").body(tag).send().await.data(), "id");
    let bind = json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [tag]});
    world.call("POST", "/im/v2/biz_entity_tag_relation").body(bind).send().await.data();
    let message = say(&world, &chat, 0, "read me").await;
    let notice = json!({"chat_top_notice": [{"action_type": "1", "message_id": message}]});
    let path = format!("/im/v1/chats/{chat}/top_notice/put_top_notice");
    world.call("POST", &path).body(notice).send().await.data();
    let pin = json!({"as": ada});
    world.control("PUT", &format!("/messages/{message}/pin")).body(pin).send().await.data();

    let seen = get(&world, &format!("/chats/{chat}/view?as={ben}&lang=zh_cn")).await;
    assert_eq!((&seen["name"], &seen["tags"][0]["name"]), (&json!("运维"), &json!("值班")));
    assert_eq!(seen["viewer"]["standing"], "member");
    assert_eq!(seen["tabs"].as_array().expect("tabs").last().expect("one")["target"], "https://example.com");
    assert_eq!(seen["top_notice"], json!([{"kind": "message", "message_id": message, "line": "read me"}]));
    assert_eq!((&seen["announcement"]["form"], &seen["announcement"]["text"]), (&json!("docx"), &json!("")));
    assert_eq!((&seen["user_count"], &seen["bot_count"], &seen["pins"]), (&json!(2), &json!(1), &json!(1)));
    let roles: Vec<(&str, &str, &str)> = seen["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|one| ["member", "kind", "role"].map(|name| one[name].as_str().expect("text")).into())
        .collect();
    for expected in
        [(ada.as_str(), "user", "owner"), (ben, "user", "member"), (&world.app_id, "bot", "manager")]
    {
        assert!(roles.contains(&expected), "{expected:?} in {roles:?}");
    }
    let english = view(&world, &chat, 1).await;
    assert_eq!((&english["name"], &english["tags"][0]["name"]), (&json!("Ops"), &json!("on-call")));
    let outside = view(&world, &chat, 2).await;
    assert_eq!(outside["viewer"]["standing"], "outsider");

    let items = get(&world, &format!("/chats/{chat}/messages?as={ben}")).await;
    let item = &items["messages"][0];
    assert_eq!((&item["sender_name"], &item["sender_kind"]), (&json!(world.users[0].name), &json!("user")));
    let call = get(&world, &format!("/traffic/{}", text(item, "log_id"))).await;
    assert_eq!((&call["operation"], &call["kind"]), (&json!("larkspur.v1.chat.say"), &json!("control")));
    let body = json!({"receive_id": chat, "msg_type": "text", "content": "{\"text\":\"from the bot\"}"});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await;
    let items = get(&world, &format!("/chats/{chat}/messages?as={ben}")).await;
    let item = items["messages"].as_array().expect("messages").last().expect("one");
    assert_eq!(item["log_id"].as_str(), sent.response.header("x-tt-logid").as_deref());
    assert_eq!(item["sender_kind"], "bot");

    let path = format!("/chats/{chat}/view");
    declined(&world.control("GET", &path).send().await, 5_275_400, "as");
    declined(&world.control("GET", &format!("{path}?as=unknown")).send().await, 5_275_404, "as");
    let resigned = json!({"status": "resigned"});
    world.control("PATCH", &format!("/users/{ben}")).body(resigned).send().await.data();
    declined(&world.control("GET", &format!("{path}?as={ben}")).send().await, 5_275_400, "as");
}

#[tokio::test]
async fn an_announcement_is_shown_as_text() {
    let world = world().await;
    let ada = &world.users[0].user_id;
    let chat = world.chat(json!({"owner": ada, "members": [world.app_id]})).await;
    let path = format!("/docx/v1/chats/{chat}/announcement/blocks/{chat}/children");
    let run = |words: &str| json!({"text_run": {"content": words}});
    let mention = json!({"mention_user": {"user_id": world.users[1].open_id}});
    let block = |elements: Value| json!({"block_type": 2, "text": {"elements": elements}});
    let body =
        json!({"children": [block(json!([run("Freeze on Friday")])), block(json!([run("ask "), mention])),]});
    world.call("POST", &path).body(body).send().await.data();
    let board = &view(&world, &chat, 0).await["announcement"];
    assert_eq!(board["text"], format!("Freeze on Friday\nask @{}", world.users[1].name));
    assert_eq!((&board["form"], &board["cut"]), (&json!("docx"), &json!(false)));
}

const ROLES: [&str; 4] = ["owner", "manager", "member", "outsider"];

/// A chat in which the first user has a role, and a message of the second one.
async fn stage(world: &World, role: &str, closed: bool) -> (String, String) {
    let [ada, ben, cid] = [0, 1, 2].map(|user| world.users[user].user_id.clone());
    let owner = if role == "owner" { &ada } else { &ben };
    let mut members = vec![ben.clone(), cid, world.app_id.clone()];
    members.extend((role == "member").then(|| ada.clone()));
    let managers = if role == "manager" { vec![ada.clone()] } else { Vec::new() };
    let chat = world.chat(json!({"owner": owner, "members": members, "managers": managers})).await;
    let message = say(world, &chat, 1, "hello").await;
    if closed {
        let settings = json!({
            "moderation_permission": "only_owner",
            "at_all_permission": "only_owner",
            "pin_manage_setting": "only_owner",
            "edit_permission": "only_owner",
            "add_member_permission": "only_owner",
            "share_card_permission": "not_allowed",
        });
        let body = json!({"settings": settings, "manage_widgets": "only_owner"});
        world.control("PATCH", &format!("/chats/{chat}")).body(body).send().await.data();
    }
    (chat, message)
}

/// How the platform's operations do what the view calls `act`; `None` if only an app can call the operation.
fn operation(world: &World, act: &str, chat: &str, message: &str) -> Option<Request> {
    let path = format!("/im/v1/chats/{chat}");
    let send = |content: Value| {
        let body = json!({"receive_id": chat, "msg_type": "text", "content": content.to_string()});
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
    };
    let (ben, cid) = (&world.users[1].user_id, &world.users[2].user_id);
    let by_user_id = "member_id_type=user_id";
    Some(match act {
        "speak" => send(json!({"text": "hi"})),
        "mention_all" => send(json!({"text": "<at user_id=\"all\"></at>"})),
        "react" => world
            .call("POST", &format!("/im/v1/messages/{message}/reactions"))
            .body(json!({"reaction_type": {"emoji_type": "SMILE"}})),
        "pin" => world.call("POST", "/im/v1/pins").body(json!({"message_id": message})),
        "recall_others" => world.call("DELETE", &format!("/im/v1/messages/{message}")),
        "edit_info" => world.call("PUT", &path).body(json!({"description": "new"})),
        "add_members" => world
            .call("POST", &format!("{path}/members?{by_user_id}&succeed_type=1"))
            .body(json!({"id_list": ["new"]})),
        "remove_members" => {
            world.call("DELETE", &format!("{path}/members?{by_user_id}")).body(json!({"id_list": [cid]}))
        }
        "share" => world.call("POST", &format!("{path}/link")).body(json!({})),
        "manage_tabs" => {
            let tab =
                json!({"tab_type": "url", "tab_name": "Wiki", "tab_content": {"url": "https://example.com"}});
            world.call("POST", &format!("{path}/chat_tabs")).body(json!({"chat_tabs": [tab]}))
        }
        "top_notice" => world
            .call("POST", &format!("{path}/top_notice/put_top_notice"))
            .body(json!({"chat_top_notice": [{"action_type": "2"}]})),
        "edit_announcement" => {
            let block = json!({"block_type": 2, "text": {"elements": [{"text_run": {"content": "x"}}]}});
            let path = format!("/docx/v1/chats/{chat}/announcement/blocks/{chat}/children");
            world.call("POST", &path).body(json!({"children": [block]}))
        }
        "set_permissions" => world.call("PUT", &path).body(json!({"edit_permission": "all_members"})),
        "moderate" => world
            .call("PUT", &format!("{path}/moderation"))
            .body(json!({"moderation_setting": "all_members"})),
        "name_managers" => world
            .call("POST", &format!("{path}/managers/add_managers?{by_user_id}"))
            .body(json!({"manager_ids": [cid]})),
        "transfer" => {
            world.call("PUT", &format!("{path}?user_id_type=user_id")).body(json!({"owner_id": ben}))
        }
        "dissolve" => world.call("DELETE", &path),
        _ => return None,
    })
}

/// What the view says and what the operations do are the same, for every act, role and setting.
#[tokio::test]
async fn what_a_user_may_do_is_what_the_operations_allow() {
    let world = world().await;
    world.control("POST", "/users").body(json!({"user_id": "new", "name": "New"})).send().await.data();
    let token = world.user_token(0, json!({})).await;
    let mut seen = Vec::new();
    for closed in [false, true] {
        for role in ROLES {
            let (chat, _) = stage(&world, role, closed).await;
            let shown = view(&world, &chat, 0).await;
            assert_eq!(shown["viewer"]["standing"], role);
            for one in shown["may"].as_array().expect("acts") {
                let (act, allowed) = (text(one, "act"), one["allowed"] == true);
                let (chat, message) = stage(&world, role, closed).await;
                let Some(request) = operation(&world, &act, &chat, &message) else { continue };
                let reply = request.token(&token).send().await;
                let answer = reply.json();
                assert_eq!(answer["code"] == 0, allowed, "{act} as {role}, closed {closed}: {one} {answer}");
                if !allowed && role != "outsider" {
                    // The announcement's page has its own codes.
                    let same = one["refusal"]["code"] == answer["code"] || act == "edit_announcement";
                    assert!(same, "{act} as {role}: {one} {answer}");
                }
                seen.push((act, allowed));
            }
        }
    }
    let all: std::collections::BTreeSet<_> = seen.into_iter().collect();
    let both = all.iter().filter(|(act, allowed)| *allowed && all.contains(&(act.clone(), false))).count();
    assert_eq!(both, 17, "every act is allowed to some and refused to others: {all:?}");
}

/// A fix that the view offers makes what it refused possible.
#[tokio::test]
async fn a_fix_lets_it_through() {
    let world = world().await;
    let (chat, _) = stage(&world, "member", true).await;
    let acts = async || view(&world, &chat, 0).await["may"].as_array().expect("acts").clone();
    let refused = |acts: &[Value]| {
        acts.iter().find(|one| one["refusal"]["fixes"][0].is_object()).map(|one| one["refusal"].clone())
    };
    let before = acts().await;
    for _ in 0..10 {
        let Some(refusal) = refused(&acts().await) else { break };
        let fix = &refusal["fixes"][0];
        assert_eq!((&fix["id"], &fix["path"]["chat_id"]), (&json!("chat.update"), &json!(chat)));
        let path = format!("/chats/{chat}");
        world.control("PATCH", &path).body(fix["body"].clone()).send().await.data();
        let now = acts().await;
        assert!(now.iter().all(|one| one["refusal"] != refusal), "{refusal}");
    }
    let now = acts().await;
    assert_eq!(refused(&now), None, "every fix was used");
    let allowed = |acts: &[Value]| acts.iter().filter(|one| one["allowed"] == true).count();
    assert_eq!((allowed(&before), allowed(&now)), (2, 12), "{now:?}");
}
