//! What messages say, and what they refer to.

use larkspur_testkit::Lab;
use serde_json::{Value, json};

use super::{bot_id, card, get, invalid, read, replace, say, send, tell, with_user};
use crate::scenarios::{open_id, put_member, refused_as, set_chat, text, upload, world};

#[tokio::test]
async fn those_who_are_mentioned_have_placeholders() {
    let world = world().await;
    let (one, two) = (&world.users[0], &world.users[1]);
    let (app, _) = world.app(json!({"name": "Other bot"})).await;
    let bot = bot_id(&world, &app, &world.app_id);
    let words = format!(
        "<at user_id=\"{}\">x</at> <at user_id=\"{bot}\"></at> <at user_id=\"{}\"></at> <at user_id=\"all\"></at> <at user_id=\"ou_x\">Who</at>",
        one.open_id, two.user_id
    );
    let made = say(&world, &words).send().await.data();
    let content: Value = serde_json::from_str(&text(&made["body"], "content")).expect("JSON");
    let words = text(&content, "text");
    assert!(words.starts_with("@_user_1 @_user_2 @_user_3 @_all "), "{words}");
    let mention = |key: &str, id: &str, id_type: &str, name: &str| json!({"id": id, "id_type": id_type, "key": key, "name": name, "tenant_key": world.tenant_key});
    let first = mention("@_user_1", &one.open_id, "open_id", &one.name);
    let third = mention("@_user_3", &two.open_id, "open_id", &two.name);
    assert_eq!(made["mentions"], json!([first, mention("@_user_2", &bot, "open_id", "Other bot"), third]));
    let id = text(&made, "message_id");
    assert_eq!(read(&world, &id).await["mentions"], made["mentions"]);
    let asked = get(&world, &id).query("user_id_type", "open_id").send().await.data();
    assert_eq!(
        asked["items"][0]["mentions"],
        json!([first, mention("@_user_2", &app, "app_id", "Other bot"), third]),
        "with user_id_type, a bot is shown by its app_id"
    );
}

#[tokio::test]
async fn only_some_may_mention_everyone() {
    let lab = Lab::start().await;
    let (world, owner) = with_user(&lab).await;
    set_chat(&world, &world.chat_id, json!({"settings": {"at_all_permission": "only_owner"}})).await;
    let all = "<at user_id=\"all\"></at> look";
    let text = "These operations are NOT allowed at current group settings.";
    refused_as(&say(&world, all).send().await, 230018, text);
    say(&world, all).token(&owner).send().await.data();
    put_member(&world, &world.chat_id, &world.app_id, true).await;
    say(&world, all).send().await.data();
}

#[tokio::test]
async fn an_image_must_be_the_apps_own() {
    let world = world().await;
    let own = upload(&world, &world.token, "message").await;
    let made = send(&world, &world.chat_id, "image", json!({"image_key": own})).send().await.data();
    assert_eq!(made["body"]["content"], json!({"image_key": own}).to_string());
    let (_, token) = world.app(json!({"name": "other"})).await;
    let foreign = upload(&world, &token, "message").await;
    let image = |key: &str| send(&world, &world.chat_id, "image", json!({"image_key": key}));
    refused_as(&image(&foreign).send().await, 230017, "Bot is NOT the owner of the resource.");
    let avatar = upload(&world, &world.token, "avatar").await;
    let text = "The type of file upload does not match the type of message being sent.";
    refused_as(&image(&avatar).send().await, 230055, text);
    invalid(&image("img_v3_nothing").send().await, "invalid image_key");
    invalid(
        &send(&world, &world.chat_id, "file", json!({"file_key": "file_v3_nothing"})).send().await,
        "invalid file_key",
    );
}

#[tokio::test]
async fn a_chat_that_is_shared_is_a_group_of_the_sender() {
    let world = world().await;
    let share = |chat: &str| send(&world, &world.chat_id, "share_chat", json!({"chat_id": chat}));
    let made = share(&world.chat_id).send().await.data();
    assert_eq!(made["body"]["content"], json!({"chat_id": world.chat_id}).to_string());
    let p2p =
        world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]})).await;
    refused_as(&share(&p2p).send().await, 230015, "P2P chat can NOT be shared.");
    invalid(&share("oc_x").send().await, "invalid chat_id");
    let strange = world.chat(json!({"members": [world.users[0].user_id]})).await;
    share(&strange).send().await.refused(230002);
}

#[tokio::test]
async fn a_user_who_is_shared_has_the_id_of_the_reader() {
    let world = world().await;
    let share = |user: &str| send(&world, &world.chat_id, "share_user", json!({"user_id": user}));
    let user = &world.users[1];
    let made = share(&user.open_id).send().await.data();
    assert_eq!(made["body"]["content"], json!({"user_id": user.open_id}).to_string());
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    let seen = get(&world, &text(&made, "message_id")).token(&token).send().await.data();
    let other = open_id(&world, 1, &app).await;
    assert_eq!(seen["items"][0]["body"]["content"], json!({"user_id": other}).to_string());
    for wrong in ["ou_x", &other, &user.user_id, &bot_id(&world, &world.app_id, &world.app_id)] {
        invalid(&share(wrong).send().await, "invalid user_id");
    }
}

#[tokio::test]
async fn a_divider_is_sent_by_a_bot_to_a_user() {
    let lab = Lab::start().await;
    let (world, token) = with_user(&lab).await;
    let divider = json!({"type": "divider", "params": {"divider_text": {"text": "Today"}}});
    let p2p = text(&tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data(), "chat_id");
    let made = send(&world, &p2p, "system", divider.clone()).send().await.data();
    let content: Value = serde_json::from_str(&text(&made["body"], "content")).expect("JSON");
    assert_eq!(
        (&content["template"], &content["divider_text"]["text"]),
        (&json!("{divider_text}"), &json!("Today"))
    );
    invalid(
        &send(&world, &world.chat_id, "system", divider.clone()).send().await,
        "sending system messages in group chats is not supported",
    );
    invalid(
        &send(&world, &p2p, "system", divider.clone()).token(&token).send().await,
        "sending system messages as a user is not supported",
    );
    let id = text(&made, "message_id");
    let why = "This operation is not supported for this message type.";
    refused_as(&super::recall(&world, &id).send().await, 230054, why);
    refused_as(&super::edit(&world, &id, "x").send().await, 230054, why);
    refused_as(&super::answer(&world, &id, "x", false).send().await, 230054, why);
    let path = format!("{}/reply", super::message_path(&id));
    let body = json!({"msg_type": "system", "content": divider.to_string()});
    invalid(&world.call("POST", &path).body(body).send().await, "invalid msg_type");
    world.set_app(&world.app_id, json!({"scopes": ["im:message"]})).await;
    let reply = send(&world, &p2p, "system", divider).send().await;
    refused_as(&reply, 230027, "Lack of necessary permissions, ext=need scope: im:message:send_sys_msg");
}

#[tokio::test]
async fn long_and_forbidden_content() {
    let world = world().await;
    let text = "The length of the message content reaches its limit.";
    refused_as(&say(&world, &"x".repeat(160 * 1024)).send().await, 230025, text);
    let long = send(&world, &world.chat_id, "interactive", card(&"x".repeat(31 * 1024)));
    refused_as(&long.send().await, 230025, text);
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    let text = "The content of the message contains sensitive information.";
    refused_as(&say(&world, "top SECRET").send().await, 230022, text);
    say(&world, "top").send().await.data();
}

#[tokio::test]
async fn only_what_people_read_is_reviewed() {
    let world = world().await;
    let words = json!({"forbidden_words": ["text", "tag", "user", "a\tb"]});
    world.control("PUT", "/settings").body(words).send().await.data();
    let hello = format!("hello <at user_id=\"{}\"></at>", world.users[1].open_id);
    say(&world, &hello).send().await.data();
    let post = |words: &str| json!({"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": words}]]}});
    send(&world, &world.chat_id, "post", post("x")).send().await.data();
    send(&world, &world.chat_id, "interactive", card("x")).send().await.data();
    for words in ["a text", "a\tb"] {
        say(&world, words).send().await.refused(230022);
        send(&world, &world.chat_id, "post", post(words)).send().await.refused(230022);
    }
    send(&world, &world.chat_id, "interactive", card("a tag")).send().await.refused(230022);
}

#[tokio::test]
async fn keys_with_a_null_character_are_unknown() {
    let world = world().await;
    for (kind, content, cause) in [
        ("image", json!({"image_key": "a\0"}), "invalid image_key"),
        ("file", json!({"file_key": "\0"}), "invalid file_key"),
        (
            "post",
            json!({"zh_cn": {"title": "", "content": [[{"tag": "img", "image_key": "\0"}]]}}),
            "invalid image_key",
        ),
        ("share_user", json!({"user_id": "\0"}), "invalid user_id"),
    ] {
        invalid(&send(&world, &world.chat_id, kind, content).send().await, cause);
    }
    let mut shown = card("x");
    shown["elements"][0] =
        json!({"tag": "img", "img_key": "\0", "alt": {"tag": "plain_text", "content": ""}});
    send(&world, &world.chat_id, "interactive", shown).send().await.refused(230099);
    let at = "<at user_id=\"a\0\">Ann</at>";
    let made = say(&world, at).send().await.data();
    assert_eq!(made["body"]["content"], json!({"text": at}).to_string(), "an unknown id");
}

#[tokio::test]
async fn a_card_is_read_in_three_forms() {
    let world = world().await;
    let sent = card("hello");
    let made = send(&world, &world.chat_id, "interactive", sent.clone()).send().await.data();
    let id = text(&made, "message_id");
    let of = |data: &Value| -> Value {
        serde_json::from_str(&text(&data["items"][0]["body"], "content")).expect("JSON")
    };
    let plain = of(&get(&world, &id).send().await.data());
    assert!(plain["elements"].is_array() && plain.get("title").is_some(), "{plain}");
    let own = get(&world, &id).query("card_msg_content_type", "user_card_content").send().await.data();
    assert_eq!(of(&own), sent);
    let raw = get(&world, &id).query("card_msg_content_type", "raw_card_content").send().await.data();
    assert!(of(&raw)["json_card"].is_string(), "{raw}");
    get(&world, &id).query("card_msg_content_type", "x").send().await.refused(99992402);
    for wrong in [json!([]), json!({"type": "template", "data": {"template_id": "x"}})] {
        let reply = send(&world, &world.chat_id, "interactive", wrong).send().await;
        assert!([230001, 230099].contains(&reply.code()), "{}", reply.text());
    }
    let unknown = json!({"elements": [{"tag": "img", "img_key": "img_v3_nothing", "alt": {"tag": "plain_text", "content": ""}}]});
    send(&world, &world.chat_id, "interactive", unknown).send().await.refused(230099);
}

#[tokio::test]
async fn people_in_cards_and_rows_of_tables() {
    let world = world().await;
    let (app, _) = world.app(json!({"name": "other"})).await;
    let (known, bot) = (&world.users[0].open_id, bot_id(&world, &world.app_id, &world.app_id));
    let elsewhere = bot_id(&world, &world.app_id, &app);
    let at = |id: &str| json!({"tag": "markdown", "content": format!("hi <at id={id}></at>")});
    let person = |id: &str| json!({"tag": "person", "user_id": id});
    let people = |id: &str| json!({"tag": "person_list", "persons": [{"id": id}]});
    let table =
        |row: Value| json!({"tag": "table", "columns": [{"name": "a"}, {"name": "b"}], "rows": [row]});
    let new = |element: &Value| json!({"schema": "2.0", "body": {"elements": [element]}});
    let frame = "Failed to create card content, ext=";
    let lacks = format!(
        "{frame}ErrCode: 100290; ErrMsg: There is an invalid user resource(at/person) in your card; "
    );
    for element in
        [at(known), person(known), people(&bot), at("all"), person("a-user-id"), table(json!({"a": 1}))]
    {
        let id = send(&world, &world.chat_id, "interactive", new(&element)).send().await.data();
        replace(&world, &text(&id, "message_id"), new(&element)).send().await.data();
        for wrong in [at("ou_x"), person("ou_x"), people(&elsewhere)] {
            let reply = send(&world, &world.chat_id, "interactive", new(&wrong)).send().await;
            refused_as(&reply, 230099, &lacks);
            refused_as(&replace(&world, &text(&id, "message_id"), new(&wrong)).send().await, 230099, &lacks);
        }
    }
    let reply =
        send(&world, &world.chat_id, "interactive", new(&table(json!({"a": 1, "c": 2})))).send().await;
    let why = format!("{frame}ErrCode: 200915; ErrMsg: table rows name is invalid; ErrorValue: c; ");
    refused_as(&reply, 230099, &why);
}

#[tokio::test]
async fn an_entity_of_the_card_kit_is_sent_once() {
    let world = world().await;
    let new = |words: &str| {
        let element = json!({"tag": "markdown", "content": words, "element_id": "a"});
        json!({"schema": "2.0", "config": {"update_multi": true}, "body": {"elements": [element]}})
    };
    let body = json!({"type": "card_json", "data": new("one").to_string()});
    let made = world.call("POST", "/cardkit/v1/cards").body(body).send().await.data();
    let card_id = text(&made, "card_id");
    let entity = json!({"type": "card", "data": {"card_id": card_id}});
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    let not_sent = |reply: larkspur_testkit::Reply| {
        reply.refused(230099);
    };
    let sent = || send(&world, &world.chat_id, "interactive", entity.clone());
    not_sent(sent().token(&token).send().await);
    let made = sent().send().await.data();
    not_sent(sent().send().await);
    let id = text(&made, "message_id");
    let shown = async || {
        let request = get(&world, &id).query("card_msg_content_type", "user_card_content");
        let data = request.send().await.data();
        serde_json::from_str::<Value>(&text(&data["items"][0]["body"], "content")).expect("JSON")
    };
    assert_eq!(shown().await["body"]["elements"][0]["content"], "one");
    let path = format!("/cardkit/v1/cards/{card_id}");
    let body = json!({"card": {"type": "card_json", "data": new("two").to_string()}, "sequence": 1});
    world.call("PUT", &path).body(body).send().await.data();
    assert_eq!(shown().await["body"]["elements"][0]["content"], "two");
    let unknown = json!({"type": "card", "data": {"card_id": "7355372766134157313"}});
    not_sent(send(&world, &world.chat_id, "interactive", unknown).send().await);
}
