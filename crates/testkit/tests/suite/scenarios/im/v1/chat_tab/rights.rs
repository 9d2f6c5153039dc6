//! `im/v1/chats/:chat_id/chat_tabs`: rights to add and see tabs, by chats, documents and icons.

use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{
    add_tabs, doc_tab, document, isv_app, list_tabs, put_member, refused, set_chat, share, tabs_of, upload,
    url_tab, world,
};

async fn add_one(world: &World, token: &str, chat_id: &str) -> Reply {
    add_tabs(world, token, chat_id, json!([url_tab()])).send().await
}

/// Adding a tab and listing tabs are refused alike.
async fn both_refused(world: &World, token: &str, chat_id: &str, code: u32) {
    refused(&add_one(world, token, chat_id).await, code);
    refused(&list_tabs(world, token, chat_id).send().await, code);
}

/// Starts with everything wrong, and fixes one thing at a time: the order of the refusals.
#[tokio::test]
async fn one_fault_at_a_time() {
    let world = world().await;
    let other = world.lab.world().await;
    let (app_id, token) = world.app(json!({})).await;
    let long = "x".repeat(61);
    let mut tabs = vec![
        json!({"tab_type": "pin", "tab_name": long}),
        json!({"tab_type": "url", "tab_content": {"url": "nowhere"}, "tab_config": {"icon_key": "img_unknown"}}),
        doc_tab("https://example.feishu.cn/docx/unknown"),
    ];
    tabs.extend(vec![url_tab(); 18]);
    let unknown = "oc_00000000000000000000000000000000";
    let chat = world
        .chat(json!({"chat_mode": "topic", "external": true, "chat_status": "dissolved", "manage_widgets": "only_owner"}))
        .await;
    world.set_app(&app_id, json!({"bot": false, "status": "disabled"})).await;
    let tell = async |chat_id: &str, tabs: &[Value], code: u32| {
        refused(&add_tabs(&world, &token, chat_id, Value::from(tabs)).send().await, code);
    };

    tell(unknown, &tabs, 232001).await;
    tabs[0] = json!({"tab_type": "url", "tab_name": long, "tab_content": {"url": "https://a"}});
    tell(unknown, &tabs, 232006).await;
    tell(&other.chat_id, &tabs, 232025).await;
    tell(&chat, &tabs, 232025).await;
    world.set_app(&app_id, json!({"bot": true})).await;
    tell(&other.chat_id, &tabs, 232034).await;
    world.set_app(&app_id, json!({"status": "enabled"})).await;
    tell(&other.chat_id, &tabs, 232010).await;
    tell(&chat, &tabs, 232033).await;
    world.set_app(&app_id, json!({"external_sharing": true})).await;
    tell(&chat, &tabs, 232009).await;
    set_chat(&world, &chat, json!({"chat_status": "normal"})).await;
    tell(&chat, &tabs, 232011).await;
    put_member(&world, &chat, &app_id, false).await;
    tell(&chat, &tabs, 232050).await;
    set_chat(&world, &chat, json!({"chat_mode": "group"})).await;
    tell(&chat, &tabs, 232055).await;
    set_chat(&world, &chat, json!({"manage_widgets": "all_members"})).await;
    tell(&chat, &tabs, 232047).await;
    tabs[0] = url_tab();
    tell(&chat, &tabs, 232048).await;
    tabs[1]["tab_content"] = json!({"url": "https://a"});
    tell(&chat, &tabs, 232051).await;
    tabs[2] = url_tab();
    tell(&chat, &tabs, 232056).await;
    tabs[1] = url_tab();
    tell(&chat, &tabs, 232046).await;
    let shown = list_tabs(&world, &token, &chat).send().await.data();
    assert_eq!(shown["chat_tabs"].as_array().expect("a list").len(), 1, "nothing was added on the way");
    add_tabs(&world, &token, &chat, Value::from(&tabs[..20])).send().await.data();
}

#[tokio::test]
async fn which_chats() {
    let world = world().await;
    let other = world.lab.world().await;
    for unknown in ["oc_00000000000000000000000000000000", "oc_x", "x", "oc_A0553EDA9014C201E6969B478895C230"]
    {
        both_refused(&world, &world.token, unknown, 232006).await;
    }
    both_refused(&world, &world.token, &other.chat_id, 232010).await;
    let topic = world.chat(json!({"chat_mode": "topic", "members": [world.app_id]})).await;
    both_refused(&world, &world.token, &topic, 232050).await;
    for status in ["dissolved", "dissolved_save"] {
        let gone = world.chat(json!({"chat_status": status, "members": [world.app_id]})).await;
        both_refused(&world, &world.token, &gone, 232009).await;
    }
    let external = world.chat(json!({"external": true, "members": [world.app_id]})).await;
    both_refused(&world, &world.token, &external, 232033).await;
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    add_one(&world, &world.token, &external).await.data();
    assert_eq!(list_tabs(&world, &world.token, &external).send().await.code(), 0);
}

#[tokio::test]
async fn the_app_behind_a_token() {
    let world = world().await;
    let user = world.user_token(1, json!({})).await;
    for token in [&world.token, &user] {
        world.set_app(&world.app_id, json!({"bot": false})).await;
        both_refused(&world, token, &world.chat_id, 232025).await;
        world.set_app(&world.app_id, json!({"bot": true})).await;
        for status in ["disabled", "uninstalled"] {
            world.set_app(&world.app_id, json!({"status": status})).await;
            both_refused(&world, token, &world.chat_id, 232034).await;
        }
        world.set_app(&world.app_id, json!({"status": "enabled"})).await;
        add_one(&world, token, &world.chat_id).await.data();
    }
    assert_eq!(tabs_of(&world).await.len(), 3);
}

#[tokio::test]
async fn only_members() {
    let world = world().await;
    let (app_id, bot) = world.app(json!({})).await;
    both_refused(&world, &bot, &world.chat_id, 232011).await;
    put_member(&world, &world.chat_id, &app_id, false).await;
    add_one(&world, &bot, &world.chat_id).await.data();

    // With a user token the user is the operator: the bot's membership neither helps nor hurts.
    let (member, outsider) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    let chat = world.chat(json!({"members": [world.users[0].user_id]})).await;
    add_one(&world, &member, &chat).await.data();
    both_refused(&world, &world.token, &chat, 232011).await;
    put_member(&world, &chat, &world.app_id, false).await;
    both_refused(&world, &outsider, &chat, 232011).await;
}

#[tokio::test]
async fn two_parties() {
    let world = world().await;
    let user = &world.users[0].user_id;
    // The setting of groups does not apply here, and both parties may.
    let chat = world
        .chat(json!({"chat_mode": "p2p", "members": [user, world.app_id], "manage_widgets": "only_owner"}))
        .await;
    let token = world.user_token(0, json!({})).await;
    let before = list_tabs(&world, &world.token, &chat).send().await.data();
    assert_eq!(before["chat_tabs"][0]["tab_type"], "message");
    for token in [&world.token, &token] {
        add_one(&world, token, &chat).await.data();
    }
    both_refused(&world, &world.user_token(1, json!({})).await, &chat, 232011).await;

    world.set_app(&world.app_id, json!({"visible_to": [world.users[1].user_id]})).await;
    for token in [&world.token, &token] {
        both_refused(&world, token, &chat, 232024).await;
    }
    add_one(&world, &world.token, &world.chat_id).await.data();
    world.set_app(&world.app_id, json!({"visible_to": [user]})).await;
    add_one(&world, &world.token, &chat).await.data();
}

#[tokio::test]
async fn owner_and_managers_alone() {
    let world = world().await;
    let (manager_app, manager_bot) = world.app(json!({})).await;
    let [owner, manager, member] = [0, 1, 2].map(|user| world.user_token(user, json!({})));
    let (owner, manager, member) = (owner.await, manager.await, member.await);
    put_member(&world, &world.chat_id, &world.users[1].user_id, true).await;
    put_member(&world, &world.chat_id, &manager_app, true).await;
    set_chat(&world, &world.chat_id, json!({"manage_widgets": "only_owner"})).await;
    for token in [&owner, &manager, &manager_bot] {
        add_one(&world, token, &world.chat_id).await.data();
    }
    // The world's bot made the chat and may act as owner where a page says so; this page does not.
    let shown = world.control("GET", &format!("/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(shown["creator_app"], world.app_id);
    for token in [&member, &world.token] {
        refused(&add_one(&world, token, &world.chat_id).await, 232055);
        assert_eq!(list_tabs(&world, token, &world.chat_id).send().await.code(), 0, "seeing is free");
    }
    set_chat(&world, &world.chat_id, json!({"owner": world.app_id})).await;
    add_one(&world, &world.token, &world.chat_id).await.data();
    refused(&add_one(&world, &owner, &world.chat_id).await, 232055);
}

#[tokio::test]
async fn rights_on_documents() {
    let world = world().await;
    let user = |n: usize| world.users[n].user_id.as_str();
    let tokens = [world.user_token(0, json!({})).await, world.user_token(1, json!({})).await];
    let (own, bots) = (
        document(&world, json!({"owner": user(0)})).await,
        document(&world, json!({"owner": world.app_id, "doc_type": "sheet"})).await,
    );
    let add = async |token: &str, url: &str| {
        add_tabs(&world, token, &world.chat_id, json!([doc_tab(url)])).send().await
    };

    // The owner, whichever kind it is, and no other.
    add(&tokens[0], &own.1).await.data();
    add(&world.token, &bots.1).await.data();
    for (token, url) in [(&tokens[1], &own.1), (&world.token, &own.1), (&tokens[0], &bots.1)] {
        refused(&add(token, url).await, 232051);
    }
    // A collaborator with any permission.
    for (n, perm) in ["view", "edit", "full_access"].into_iter().enumerate() {
        let (token, url) = document(&world, json!({"owner": user(2)})).await;
        refused(&add(&tokens[1], &url).await, 232051);
        share(&world, &token, user(1), perm).await;
        add(&tokens[1], &url).await.data();
        refused(&add(&tokens[0], &url).await, 232051);
        share(&world, &token, &world.app_id, perm).await;
        add(&world.token, &format!("{url}?from=share&n={n}#part")).await.data();
    }
    // Unknown, of another kind than stated, another tenant's, deleted.
    let other = world.lab.world().await;
    refused(&add(&world.token, "https://example.feishu.cn/docx/doxcnUnknown").await, 232051);
    refused(&add(&world.token, &format!("https://a.feishu.cn/docx/{}", bots.0)).await, 232051);
    refused(&add(&world.token, &other.document_url).await, 232051);
    let path = format!("/documents/{}", bots.0);
    world.control("PATCH", &path).body(json!({"deleted": true})).send().await.data();
    refused(&add(&world.token, &bots.1).await, 232051);
    world.control("PATCH", &path).body(json!({"deleted": false})).send().await.data();
    add(&world.token, &bots.1).await.data();
    // One bad tab fails the call.
    let before = tabs_of(&world).await;
    let tabs = json!([url_tab(), doc_tab(&bots.1), doc_tab(&own.1)]);
    refused(&world.add_tabs(&tabs).send().await, 232051);
    assert_eq!(tabs_of(&world).await, before);
}

#[tokio::test]
async fn rights_on_documents_through_a_chat() {
    let world = world().await;
    let (token, url) = document(&world, json!({"owner": world.users[2].user_id})).await;
    let tabs = json!([doc_tab(&url)]);
    let circle = world.chat(json!({"members": [world.app_id, world.users[1].user_id]})).await;
    refused(&world.add_tabs(&tabs).send().await, 232051);
    share(&world, &token, &circle, "view").await;
    world.add_tabs(&tabs).send().await.data();
    let (outsider, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    add_tabs(&world, &member, &world.chat_id, tabs.clone()).send().await.data();
    refused(&add_tabs(&world, &outsider, &world.chat_id, tabs.clone()).send().await, 232051);

    let path = format!("/chats/{circle}/members/{}", world.users[1].user_id);
    world.control("DELETE", &path).send().await.data();
    refused(&add_tabs(&world, &member, &world.chat_id, tabs.clone()).send().await, 232051);
    set_chat(&world, &circle, json!({"chat_status": "dissolved"})).await;
    refused(&world.add_tabs(&tabs).send().await, 232051);
}

#[tokio::test]
async fn every_kind_of_document() {
    let world = world().await;
    for (doc_type, path) in [
        ("docx", "docx"),
        ("doc", "docs"),
        ("doc", "doc"),
        ("wiki", "wiki"),
        ("sheet", "sheets"),
        ("bitable", "base"),
        ("file", "file"),
        ("mindnote", "mindnotes"),
        ("slides", "slides"),
        ("minutes", "minutes"),
        ("folder", "drive/folder"),
    ] {
        let (token, _) = document(&world, json!({"owner": world.app_id, "doc_type": doc_type})).await;
        let url = format!("https://example.larksuite.com/{path}/{token}");
        let shown = world.add_tabs(&json!([doc_tab(&url)])).send().await.data()["chat_tabs"].clone();
        let last = shown.as_array().expect("a list").last().expect("a tab").clone();
        assert_eq!(last["tab_content"], json!({"doc": url}), "{path}");
    }
}

#[tokio::test]
async fn icons_are_the_apps_own() {
    let world = world().await;
    let other = world.lab.world().await;
    let (_, second) = world.app(json!({})).await;
    let own = upload(&world, &world.token, "message").await;
    let seconds = upload(&world, &second, "message").await;
    let avatar = upload(&world, &world.token, "avatar").await;
    let foreign = upload(&other, &other.token, "message").await;
    let icon = |key: &str| json!([{"tab_type": "url", "tab_content": {"url": "https://a"}, "tab_config": {"icon_key": key}}]);
    for wrong in [
        seconds.as_str(),
        avatar.as_str(),
        foreign.as_str(),
        "img_v2_b99741-7628-4abd-aad0-b881e4db83ig",
        "x",
    ] {
        refused(&world.add_tabs(&icon(wrong)).send().await, 232056);
    }
    world.add_tabs(&icon(&own)).send().await.data();
    // With a user token, the images of its app.
    let user = world.user_token(0, json!({})).await;
    add_tabs(&world, &user, &world.chat_id, icon(&own)).send().await.data();
    refused(&add_tabs(&world, &user, &world.chat_id, icon(&seconds)).send().await, 232056);
    // A doc tab has no icon, so any key is accepted.
    let tab = json!([{"tab_type": "doc", "tab_content": {"doc": world.document_url}, "tab_config": {"icon_key": "x"}}]);
    let shown = world.add_tabs(&tab).send().await.data();
    assert!(shown["chat_tabs"][3].get("tab_config").is_none(), "{shown}");
    world.control("DELETE", &format!("/images/{own}")).send().await.data();
    refused(&world.add_tabs(&icon(&own)).send().await, 232056);
}

#[tokio::test]
async fn a_shop_app_adds_tabs_where_it_is_installed() {
    let maker = world().await;
    let user = maker.lab.world().await;
    let (app_id, home) = isv_app(&maker).await;
    user.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = crate::scenarios::issued_token(&user, &app_id).await;
    put_member(&user, &user.chat_id, &app_id, false).await;
    add_one(&user, &away, &user.chat_id).await.data();
    both_refused(&user, &home, &user.chat_id, 232010).await;
}

#[tokio::test]
async fn scopes_of_the_bot_and_of_the_user() {
    let world = world().await;
    for scope in ["im:chat", "im:chat.tabs:write_only"] {
        world.set_app(&world.app_id, json!({"scopes": [scope]})).await;
        add_one(&world, &world.token, &world.chat_id).await.data();
    }
    refused_scopes(
        &list_tabs(&world, &world.token, &world.chat_id).send().await,
        99991672,
        &["im:chat", "im:chat.tabs:read", "im:chat:readonly"],
    );
    for scope in ["im:chat", "im:chat.tabs:read", "im:chat:readonly"] {
        world.set_app(&world.app_id, json!({"scopes": [scope]})).await;
        list_tabs(&world, &world.token, &world.chat_id).send().await.data();
    }
    refused_scopes(
        &add_one(&world, &world.token, &world.chat_id).await,
        99991672,
        &["im:chat", "im:chat.tabs:write_only"],
    );
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    let user = world.user_token(0, json!({"scopes": ["im:chat.tabs:read"]})).await;
    list_tabs(&world, &user, &world.chat_id).send().await.data();
    refused_scopes(
        &add_one(&world, &user, &world.chat_id).await,
        99991679,
        &["im:chat", "im:chat.tabs:write_only"],
    );
}

/// A scope refusal names all scopes that suffice.
fn refused_scopes(reply: &Reply, code: u32, scopes: &[&str]) {
    let json = reply.refused(code);
    let named = json["error"]["permission_violations"].as_array().expect("a list");
    let named: Vec<&str> = named.iter().map(|one| one["subject"].as_str().expect("a scope")).collect();
    assert_eq!(named, scopes);
    assert!(json["msg"].as_str().expect("text").contains(&format!("[{}]", scopes.join(", "))), "{json}");
    let kind = if code == 99991672 { "action_scope_required" } else { "action_privilege_required" };
    assert_eq!(json["error"]["permission_violations"][0]["type"], kind);
}
