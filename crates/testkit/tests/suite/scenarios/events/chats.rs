//! What the operations on chats tell to whom.

use serde_json::{Value, json};

use super::listening::{Ear, Heard, Stage, one};

const UPDATED: &str = "im.chat.updated_v1";
const DISBANDED: &str = "im.chat.disbanded_v1";
const BOT_ADDED: &str = "im.chat.member.bot.added_v1";
const BOT_DELETED: &str = "im.chat.member.bot.deleted_v1";
const USER_ADDED: &str = "im.chat.member.user.added_v1";
const USER_DELETED: &str = "im.chat.member.user.deleted_v1";

const NOTHING: Heard = Vec::new();

/// A change of the chat, by the bot that acts.
fn change(stage: &Stage, to: &Ear, before: &Value, after: &Value) -> Value {
    json!({
        "chat_id": stage.world.chat_id, "external": false, "before_change": before, "after_change": after,
        "operator_id": stage.bot(to, &stage.actor), "operator_tenant_key": stage.world.tenant_key,
    })
}

#[tokio::test]
async fn the_bots_of_a_new_chat_are_told_that_they_were_added() {
    let stage = Stage::new().await;
    let body = json!({
        "name": "Square", "i18n_names": {"en_us": "The square", "zh_cn": "广场"},
        "user_id_list": [stage.world.users[1].open_id],
        "bot_id_list": [stage.inside.app_id, stage.outside.app_id, stage.actor.app_id],
    });
    let made = stage.world.call("POST", "/im/v1/chats").body(body).send().await.data();
    let told = |to: &Ear| {
        let mut event = stage.of_chat(&stage.bot(to, &stage.actor));
        event["chat_id"] = made["chat_id"].clone();
        one(BOT_ADDED, event)
    };
    assert_eq!(stage.told().await, [NOTHING, told(&stage.inside), told(&stage.outside)]);
}

#[tokio::test]
async fn a_change_of_a_chat_holds_the_changed_keys_only() {
    let stage = Stage::new().await;
    let put = async |body: Value| stage.world.call("PUT", &stage.chat()).body(body).send().await.data();
    let told = |before: &Value, after: &Value| {
        let told = |to: &Ear| one(UPDATED, change(&stage, to, before, after));
        [told(&stage.actor), told(&stage.inside), NOTHING]
    };
    let many = json!({
        "name": "Market", "description": "all of it", "avatar": "default-avatar_6a1e0ca3-e140-494b-956f-78091e348435",
        "i18n_names": {"ja_jp": "市場"}, "add_member_permission": "only_owner", "share_card_permission": "not_allowed",
        "at_all_permission": "only_owner", "edit_permission": "only_owner", "membership_approval": "approval_required",
        "join_message_visibility": "only_owner", "leave_message_visibility": "not_anyone", "group_message_type": "thread",
        "restricted_mode_setting": {"status": true, "download_has_permission_setting": "not_anyone",
            "screenshot_has_permission_setting": "not_anyone", "message_has_permission_setting": "not_anyone"},
    });
    put(many.clone()).await;
    let mut after = many.clone();
    after["i18n_names"] = json!({"zh_cn": "广场", "en_us": "The square", "ja_jp": "市場"});
    let before = json!({
        "name": "Square", "description": "a square", "avatar": "default-avatar_44ae0ca3-e140-494b-956f-78091e348435",
        "i18n_names": {"zh_cn": "广场", "en_us": "The square"}, "add_member_permission": "all_members",
        "share_card_permission": "allowed", "at_all_permission": "all_members", "edit_permission": "all_members",
        "membership_approval": "no_approval_required", "join_message_visibility": "all_members",
        "leave_message_visibility": "all_members", "group_message_type": "chat",
        "restricted_mode_setting": {"status": false, "download_has_permission_setting": "all_members",
            "screenshot_has_permission_setting": "all_members", "message_has_permission_setting": "all_members"},
    });
    assert_eq!(stage.told().await, told(&before, &after));
    // The same again changes nothing, and for other settings the event has no keys.
    put(many).await;
    put(json!({"urgent_setting": "only_owner", "video_conference_setting": "only_owner", "chat_type": "public"})).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    put(json!({"name": "Fair", "edit_permission": "only_owner"})).await;
    assert_eq!(stage.told().await, told(&json!({"name": "Market"}), &json!({"name": "Fair"})));
}

#[tokio::test]
async fn a_new_owner_is_told_in_the_ids_of_each_app() {
    let stage = Stage::new().await;
    let body = json!({"owner_id": stage.world.users[2].open_id});
    stage.world.call("PUT", &stage.chat()).body(body).send().await.data();
    let mut expected = Vec::new();
    for to in [&stage.actor, &stage.inside] {
        let before = json!({"owner_id": stage.user(to, 0).await});
        let after = json!({"owner_id": stage.user(to, 2).await});
        expected.push(one(UPDATED, change(&stage, to, &before, &after)));
    }
    expected.push(NOTHING);
    assert_eq!(stage.told().await, expected[..]);
}

#[tokio::test]
async fn who_may_speak() {
    let stage = Stage::new().await;
    let owner = stage.world.user_token(0, json!({})).await;
    let path = format!("{}/moderation", stage.chat());
    let put = async |body: Value| stage.world.call("PUT", &path).token(&owner).body(body).send().await.data();
    let check = async |before: Value, after: Value, lists: Option<(&[usize], &[usize])>| {
        let mut expected = Vec::new();
        for to in [&stage.actor, &stage.inside] {
            let mut event = change(&stage, to, &before, &after);
            event["operator_id"] = stage.user(to, 0).await;
            if let Some((added, removed)) = lists {
                let mut told = json!({"added_member_list": [], "removed_member_list": []});
                for (list, users) in [("added_member_list", added), ("removed_member_list", removed)] {
                    for user in users {
                        let one = json!({"tenant_key": stage.world.tenant_key, "user_id": stage.user(to, *user).await});
                        told[list].as_array_mut().expect("a list").push(one);
                    }
                }
                event["moderator_list"] = told;
            }
            expected.push(one(UPDATED, event));
        }
        expected.push(NOTHING);
        assert_eq!(stage.told().await, expected[..]);
    };
    let (one, two) = (&stage.world.users[1].open_id, &stage.world.users[2].open_id);
    put(json!({"moderation_setting": "only_owner"})).await;
    let word = |word: &str| json!({"moderation_permission": word});
    check(word("all_members"), word("only_owner"), None).await;
    put(json!({"moderation_setting": "moderator_list", "moderator_added_list": [one]})).await;
    check(word("only_owner"), json!({}), Some((&[0, 1], &[]))).await;
    // One who is on the list already, and one who is not on it, change nothing.
    put(json!({"moderator_added_list": [one], "moderator_removed_list": [two]})).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING]);
    put(json!({"moderator_added_list": [two], "moderator_removed_list": [one]})).await;
    check(json!({}), json!({}), Some((&[0, 2], &[1]))).await;
    put(json!({"moderation_setting": "all_members"})).await;
    check(json!({}), word("all_members"), None).await;
}

#[tokio::test]
async fn a_dissolved_chat_is_told_to_its_bots() {
    let stage = Stage::new().await;
    let owner = stage.world.user_token(0, json!({})).await;
    stage.world.call("DELETE", &stage.chat()).token(&owner).send().await.data();
    let mut expected = Vec::new();
    for to in [&stage.actor, &stage.inside] {
        expected.push(one(DISBANDED, stage.of_chat(&stage.user(to, 0).await)));
    }
    expected.push(NOTHING);
    assert_eq!(stage.told().await, expected[..]);
}

#[tokio::test]
async fn users_who_are_added_are_one_event() {
    let stage = Stage::new().await;
    let path = format!("{}/members", stage.chat());
    let (one_id, two_id) = (&stage.world.users[1].open_id, &stage.world.users[2].open_id);
    let call = async |method: &str, ids: Value| {
        stage.world.call(method, &path).body(json!({"id_list": ids})).send().await.data()
    };
    for (method, kind) in [("DELETE", USER_DELETED), ("POST", USER_ADDED)] {
        // Two users, in the order of the call; one who is named again is not told again.
        call(method, json!([two_id, one_id])).await;
        let mut expected = Vec::new();
        for to in [&stage.actor, &stage.inside] {
            let by = stage.bot(to, &stage.actor);
            expected.push(one(kind, stage.of_users(to, &by, &[2, 1]).await));
        }
        expected.push(NOTHING);
        assert_eq!(stage.told().await, expected[..], "{kind}");
    }
    call("POST", json!([one_id])).await;
    assert_eq!(stage.told().await, [NOTHING, NOTHING, NOTHING], "who was there already was not added");
    // A user who leaves is the operator.
    let token = stage.world.user_token(1, json!({})).await;
    stage.world.call("DELETE", &path).token(&token).body(json!({"id_list": [one_id]})).send().await.data();
    let [actor, inside, outside] = stage.told().await;
    for (heard, to) in [(actor, &stage.actor), (inside, &stage.inside)] {
        let by = stage.user(to, 1).await;
        assert_eq!(heard, one(USER_DELETED, stage.of_users(to, &by, &[1]).await));
    }
    assert_eq!(outside, NOTHING);
}

#[tokio::test]
async fn a_bot_that_a_bot_adds_is_told_alone_and_one_that_a_user_adds_is_told_to_all() {
    let stage = Stage::new().await;
    let path = format!("{}/members?member_id_type=app_id", stage.chat());
    let bots = json!({"id_list": [stage.outside.app_id]});
    let user = stage.world.user_token(1, json!({})).await;
    stage.world.call("POST", &path).body(bots.clone()).send().await.data();
    let by_bot = |to: &Ear| stage.of_chat(&stage.bot(to, &stage.actor));
    assert_eq!(stage.told().await, [NOTHING, NOTHING, one(BOT_ADDED, by_bot(&stage.outside))]);
    // Only the one that is removed is told of it.
    stage.world.call("DELETE", &path).body(bots.clone()).send().await.data();
    assert_eq!(stage.told().await, [NOTHING, NOTHING, one(BOT_DELETED, by_bot(&stage.outside))]);
    stage.world.call("POST", &path).token(&user).body(bots).send().await.data();
    let mut expected = Vec::new();
    for to in [&stage.actor, &stage.inside, &stage.outside] {
        expected.push(one(BOT_ADDED, stage.of_chat(&stage.user(to, 1).await)));
    }
    assert_eq!(stage.told().await, expected[..]);
    // Two bots are two events, since none says which bot it is.
    let two = json!({"id_list": [stage.outside.app_id, stage.inside.app_id]});
    stage.world.call("DELETE", &path).body(two.clone()).send().await.data();
    assert_eq!(
        stage.told().await,
        [NOTHING, one(BOT_DELETED, by_bot(&stage.inside)), one(BOT_DELETED, by_bot(&stage.outside))]
    );
    stage.world.call("POST", &path).token(&user).body(two).send().await.data();
    for heard in stage.told().await {
        assert_eq!(heard.iter().map(|event| event.0.as_str()).collect::<Vec<_>>(), [BOT_ADDED; 2]);
    }
    // One that removes itself hears it, too.
    let own = json!({"id_list": [stage.actor.app_id]});
    stage.world.call("DELETE", &path).body(own).send().await.data();
    assert_eq!(stage.told().await, [one(BOT_DELETED, by_bot(&stage.actor)), NOTHING, NOTHING]);
}

#[tokio::test]
async fn who_joins_by_itself_is_the_operator() {
    let stage = Stage::new().await;
    let public = json!({"chat_type": "public"});
    stage.world.control("PATCH", &format!("/chats/{}", stage.world.chat_id)).body(public).send().await.data();
    stage.world.control("DELETE", &stage.in_chat(&stage.world.users[1].user_id)).send().await.data();
    let path = format!("{}/members/me_join", stage.chat());
    let user = stage.world.user_token(1, json!({})).await;
    for _ in 0..2 {
        stage.world.call("PATCH", &path).token(&user).send().await.data();
    }
    let mut expected = Vec::new();
    for to in [&stage.actor, &stage.inside] {
        expected.push(one(USER_ADDED, stage.of_users(to, &stage.user(to, 1).await, &[1]).await));
    }
    expected.push(NOTHING);
    assert_eq!(stage.told().await, expected[..], "once");
    stage.world.call("PATCH", &path).token(&stage.outside.token).send().await.data();
    let joined = stage.of_chat(&stage.bot(&stage.outside, &stage.outside));
    assert_eq!(stage.told().await, [NOTHING, NOTHING, one(BOT_ADDED, joined)]);
}

/// An app that lacks the scope of an event is not told, in the chat or not.
#[tokio::test]
async fn each_event_has_its_scopes() {
    let stage = Stage::new().await;
    let rename = async |name: &str| {
        stage.world.call("PUT", &stage.chat()).body(json!({"name": name})).send().await.data();
        stage.told().await[1].len()
    };
    let join = async |user: usize| {
        let id = json!({"id_list": [stage.world.users[user].open_id]});
        let path = format!("{}/members", stage.chat());
        stage.world.call("DELETE", &path).body(id).send().await.data();
        stage.told().await[1].len()
    };
    let inside = &stage.inside.app_id;
    stage.world.set_app(inside, json!({"scopes": ["im:chat.members:read"]})).await;
    assert_eq!((rename("one").await, join(1).await), (0, 1));
    stage.world.set_app(inside, json!({"scopes": ["im:chat:read"]})).await;
    assert_eq!((rename("two").await, join(2).await), (1, 0));
}
