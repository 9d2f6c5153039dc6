//! Tenant isolation: nothing of one tenant can be seen or changed from another.

use larkspur_contract::Access;
use larkspur_server::REGISTRY;
use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

/// Calls every operation behind a token as `caller`, with ids of `owner` in place of every id.
async fn call_with_ids_of(
    caller: &World,
    owner: &World,
    tag: &str,
    (image, file): (&str, &str),
    (bot, message, card): (&str, &str, &str),
    (thread, batch): (&str, &str),
) -> Vec<(&'static str, Value)> {
    let document = owner.document_url.rsplit('/').next().expect("a token").to_owned();
    let mut answers = Vec::new();
    for entry in
        REGISTRY.iter().copied().flatten().filter(|entry| matches!(entry.spec.access, Access::Token { .. }))
    {
        let spec = entry.spec;
        let path = spec
            .route
            .path
            .replace("{chat_id}", &owner.chat_id)
            .replace("{block_id}", &owner.chat_id)
            .replace("{tag_id}", tag)
            .replace("{image_key}", image)
            .replace("{file_key}", file)
            .replace("{message_id}", message)
            .replace("{card_id}", card)
            .replace("{thread_id}", thread)
            .replace("{batch_message_id}", batch)
            .replace("{element_id}", "a")
            .replace("{reaction_id}", "0123456789012345678901234567890123456789")
            .replace("{token}", &document)
            .replace("{user_id}", &owner.users[1].open_id)
            .replace("{app_id}", &owner.app_id)
            .replace("{member_id}", &owner.users[2].open_id)
            .replace("{menu_item_id}", "7000000000000000000");
        assert!(!path.contains('{'), "{}: this test knows no id for {path}", spec.id);
        let request = caller
            .lab
            .request(spec.route.method.name(), &path)
            .token(&caller.token)
            .query("ids", tag)
            .query("tag_biz_type", "chat")
            .query("biz_entity_id", &owner.chat_id)
            .query("type", "docx")
            .query("action", "view")
            .query("member_type", "openid")
            .query("user_ids", &owner.users[1].open_id)
            .query("bot_ids", bot)
            .query("receive_id_type", "chat_id")
            .query("message_ids", message)
            .query("chat_id", &owner.chat_id)
            .query("user_id_type", "open_id")
            .query("container_id_type", "chat")
            .query("container_id", &owner.chat_id)
            .query("department_id", "0")
            .query("lang", "en_us");
        let mut body = json!({
            "create_tag": {"tag_type": "tenant", "name": "made by the caller"},
            "patch_tag": {"name": "taken over"},
            "tag_biz_type": "chat", "biz_entity_id": owner.chat_id, "tag_ids": [tag],
            "chat_tabs": [{"tab_type": "url", "tab_content": {"url": "https://example.com"}, "tab_config": {"icon_key": image}}],
            "menu_tree": {"chat_menu_top_levels": [{"chat_menu_item": {"action_type": "NONE", "name": "taken over"}}]},
            "chat_menu_top_level_ids": [],
            "update_fields": ["NAME"], "chat_menu_item": {"action_type": "NONE", "name": "taken over"},
            "revision": "0", "query": "demo",
            "children": [{"block_type": 22, "divider": {}}], "start_index": 0, "end_index": 1,
            "requests": [{"block_id": owner.chat_id, "update_text_elements": {"elements": [{"text_run": {"content": "taken over"}}]}}],
            "chat_top_notice": [{"action_type": "2"}], "moderation_setting": "moderator_list", "moderator_added_list": [owner.users[1].open_id],
            "owner_id": owner.users[0].open_id,
            "user_id_list": [owner.users[1].open_id],
            "id_list": [owner.users[1].open_id], "manager_ids": [owner.users[1].open_id],
            "emails": ["one@example.com"],
            "settings": r#"{"config":{"x":1}}"#, "elements": r#"[{"tag":"hr"}]"#, "element": r#"{"tag":"hr"}"#, "actions": "[1]",
            "partial_element": r#"{"content":"taken over"}"#, "card": {"type": "card_json", "data": "{}"}, "sequence": 1,
            "type": "append", "message_id": message,
            "receive_id": owner.chat_id, "msg_type": "text", "content": r#"{"text":"from the caller"}"#,
            "user_ids": [owner.users[1].open_id], "chat_ids": [owner.chat_id], "chatter_ids": [owner.users[1].open_id],
            "member_type": "openid", "member_id": owner.users[2].open_id, "perm": "view",
        });
        body["message_ids"] = json!([message]);
        body["queries"] = json!([{"message_id": message}]);
        body["reaction_type"] = match spec.id {
            "im.v1.message_reaction.batch_query" => json!("SMILE"),
            _ => json!({"emoji_type": "SMILE"}),
        };
        body["message_id_list"] = json!([message]);
        body["follow_ups"] = json!([{"content": "from the caller"}]);
        body["preview_tokens"] = json!(["a"]);
        body["open_ids"] = json!([owner.users[1].open_id]);
        if spec.id == "message.v4.batch_send" {
            body["content"] = json!({"text": "from the caller"});
        }
        if spec.id == "im.v1.message.search" {
            body = json!({"query": "name", "filter": {"chat_ids": [owner.chat_id]}});
        }
        let reply = request.body(body).send().await;
        let answer =
            if reply.text().starts_with('{') { reply.json() } else { json!({"code": 0, "bytes": true}) };
        answers.push((spec.id, answer));
    }
    answers
}

/// Everything of a world that its own app and the control API can see.
async fn picture(world: &World, tag: &str, image: &str) -> Value {
    let get = |path: String| async move { world.call("GET", &path).send().await };
    json!({
        "chat": world.control("GET", &format!("/chats/{}", world.chat_id)).send().await.data(),
        "menu": get(format!("/im/v1/chats/{}/menu_tree", world.chat_id)).await.data(),
        "tag": get(format!("/im/v2/tags?ids={tag}")).await.data(),
        "bound": get(format!("/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={}", world.chat_id)).await.data(),
        "pins": get(format!("/im/v1/pins?chat_id={}", world.chat_id)).await.data(),
        "messages": get(format!("/im/v1/messages?container_id_type=chat&container_id={}", world.chat_id)).await.data(),
        "shown": get(format!("/im/v1/messages?container_id_type=chat&container_id={}&card_msg_content_type=user_card_content", world.chat_id)).await.data(),
        "image": get(format!("/im/v1/images/{image}")).await.bytes().to_vec(),
    })
}

#[tokio::test]
async fn another_tenants_ids_open_nothing() {
    let lab = Lab::start().await;
    let (one, two) = (lab.world().await, lab.world().await);
    let tag = one.tag("secret name").await;
    let upload = one
        .call("POST", "/im/v1/images")
        .multipart(&[("image_type", "message")], ("image", &larkspur_testkit::png(1, 1)));
    let image = upload.send().await.data()["image_key"].as_str().expect("a key").to_owned();
    let file = one.file("stream", "a.bin", b"bytes").await;
    let reach = format!("/users/{}", one.users[1].user_id);
    one.control("PATCH", &reach).body(json!({"email": "one@example.com"})).send().await.data();
    let body = json!({"receive_id": one.chat_id, "msg_type": "text", "content": r#"{"text":"secret name"}"#});
    let sent = one.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let message = sent["message_id"].as_str().expect("a message_id").to_owned();
    let card = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "element_id": "a", "content": "secret name"}]}});
    let body = json!({"type": "card_json", "data": card.to_string()});
    let card = one.call("POST", "/cardkit/v1/cards").body(body).send().await.data()["card_id"].clone();
    let card = card.as_str().expect("a card_id");
    let content = json!({"type": "card", "data": {"card_id": card}}).to_string();
    let body = json!({"receive_id": one.chat_id, "msg_type": "interactive", "content": content});
    one.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let reply = json!({"msg_type": "text", "content": r#"{"text":"secret name"}"#, "reply_in_thread": true});
    let path = format!("/im/v1/messages/{message}/reply");
    let thread = one.call("POST", &path).body(reply).send().await.data()["thread_id"].clone();
    let thread = thread.as_str().expect("a thread_id");
    let body = json!({"msg_type": "text", "content": {"text": "secret name"}, "open_ids": [one.users[1].open_id]});
    let batch = one.call("POST", "/message/v4/batch_send").body(body).send().await.data()["message_id"].clone();
    let batch = batch.as_str().expect("an id");
    let before = picture(&one, &tag, &image).await;

    let bot = one.call("GET", "/bot/v3/info").send().await.json()["bot"]["open_id"].clone();
    let bot = bot.as_str().expect("an open_id");
    let no_reactions = json!({
        "success_msg_reaction_counts": [], "success_msg_reaction_details": [],
        "fail_msg_reaction_details": [{"message_id": message, "fail_reason": "invalid"}],
    });
    let files = (image.as_str(), file.as_str());
    let answers = call_with_ids_of(&two, &one, &tag, files, (bot, &message, card), (thread, batch)).await;
    for (id, answer) in answers {
        let text = answer.to_string();
        assert!(!text.contains("secret name"), "{id} shows the other tenant's tag: {text}");
        assert!(!text.contains(&one.tenant_key), "{id} shows the other tenant: {text}");
        // These find nothing of the other tenant, and report it with a success.
        let empty = [
            ("im.v2.tag.list", json!({"tag_infos": []})),
            ("contact.v3.user.batch_get_id", json!({"user_list": [{"email": "one@example.com"}]})),
            ("im.v1.chat.batch_query", json!({"items": []})),
            ("im.v1.message.mget", json!({"items": []})),
            ("im.v1.message.search", json!({"items": [], "total": 0, "has_more": false, "page_token": ""})),
            ("im.v1.message_reaction.batch_query", no_reactions.clone()),
        ];
        // These name nothing of the other tenant: they create or show the caller's own things.
        let own = [
            "im.v2.tag.create",
            "im.v1.chat.list",
            "im.v1.chat.search",
            "im.v2.chat.search",
            "bot.v3.info",
            "bot.v3.info.post",
            "bot.v1.openclaw_bot.ping",
            "bot.v3.bot.basic_batch",
            "contact.v3.user.find_by_department",
            "contact.v3.user.list",
            "contact.v3.scope.list",
            "application.v6.scope.list",
            "event.v1.connection.get",
            "event.v1.outbound_ip.list",
            "tenant.v2.tenant.query",
        ];
        let found = empty.iter().find(|(operation, _)| *operation == id);
        assert_eq!(answer["code"] == 0, found.is_some() || own.contains(&id), "{id}: {text}");
        if let Some((_, data)) = found {
            assert_eq!(answer["data"], *data, "{id}");
        }
        for secret in [&one.users[0].name, &one.chat_id, &one.users[1].user_id] {
            let told = own.contains(&id) && text.contains(&format!("\"{secret}\""));
            assert!(!told || two.users[0].name == *secret, "{id} shows {secret}: {text}");
        }
    }
    assert_eq!(picture(&one, &tag, &image).await, before, "nothing changed");
}

#[tokio::test]
async fn a_deleted_world_is_gone() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let other = lab.world().await;
    world.tag("a").await;
    world.control("DELETE", "").send().await.data();
    world.call("GET", "/im/v2/tags?ids=1").send().await.refused(99991663);
    let body = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    let reply =
        lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send().await;
    assert_eq!((reply.status(), reply.code()), (200, 10014));
    assert_eq!(other.call("GET", "/bot/v3/info").send().await.code(), 0, "the other world lives on");
}
