//! Invariants under concurrent callers.

use larkspur_contract::Effect;
use larkspur_testkit::World;
use serde_json::json;

use super::{all_at_once, lab};

async fn custom_tabs(world: &World) -> usize {
    let path = format!("/im/v1/chats/{}/chat_tabs/list_tabs", world.chat_id);
    let data = world.call("GET", &path).send().await.data();
    data["chat_tabs"].as_array().expect("tabs").iter().filter(|tab| tab["tab_type"] == "url").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_tabs_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let tab = json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]);
    let replies = all_at_once((0..60).map(|_| world.add_tabs(&tab)).collect()).await;
    let won = replies.iter().filter(|reply| reply.code() == 0).count();
    assert_eq!((won, custom_tabs(&world).await), (20, 20));
    for lost in replies.iter().filter(|reply| reply.code() != 0) {
        lost.refused(232046);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_menu_items_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let path = format!("/im/v1/chats/{}/menu_tree", world.chat_id);
    let item = json!({"chat_menu_item": {"action_type": "NONE", "name": "menu"}});
    let one = json!({"menu_tree": {"chat_menu_top_levels": [item]}});
    let replies = all_at_once((0..24).map(|_| world.call("POST", &path).body(one.clone())).collect()).await;
    for lost in replies.iter().filter(|reply| reply.code() != 0) {
        lost.refused(232070);
    }
    let won = replies.iter().filter(|reply| reply.code() == 0).count();
    let tree = world.call("GET", &path).send().await.data();
    let tops = tree["menu_tree"]["chat_menu_top_levels"].as_array().expect("a list");
    assert_eq!((won, tops.len()), (3, 3));

    // Of several calls that delete the same item, one does; an order consists of existing items.
    let ids: Vec<_> = tops.iter().map(|top| top["chat_menu_top_level_id"].clone()).collect();
    let delete = json!({"chat_menu_top_level_ids": [ids[0]]});
    let order = json!({"chat_menu_top_level_ids": [ids[2], ids[1], ids[0]]});
    let sort = format!("{path}/sort");
    let requests = (0..16).map(|n| match n % 2 {
        0 => world.call("DELETE", &path).body(delete.clone()),
        _ => world.call("POST", &sort).body(order.clone()),
    });
    let replies = all_at_once(requests.collect()).await;
    assert_eq!(replies.iter().step_by(2).filter(|reply| reply.code() == 0).count(), 1);
    for late in replies.iter().skip(1).step_by(2).filter(|reply| reply.code() != 0) {
        late.refused(232072);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_edit_of_an_announcement_is_in_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    world.old_announcements().await;
    let path = format!("/im/v1/chats/{}/announcement", world.chat_id);
    let payload = json!({"blocks": [{"type": "paragraph"}]}).to_string();
    let request =
        json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": {"payload": payload}});
    let edit = json!({"revision": "0", "requests": [request.to_string()]});
    let replies = all_at_once((0..32).map(|_| world.call("PATCH", &path).body(edit.clone())).collect()).await;
    assert!(replies.iter().all(|reply| reply.code() == 0));
    let data = world.call("GET", &path).send().await.data();
    let blocks = data["content"].as_str().expect("a text").matches("paragraph").count();
    assert_eq!((data["revision"].as_str(), blocks), (Some("32"), 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_block_of_an_announcement_is_in_it_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let base = format!("/docx/v1/chats/{}/announcement", world.chat_id);
    let path = format!("{base}/blocks/{}/children", world.chat_id);
    let block = json!({"block_type": 2, "text": {"elements": [{"text_run": {"content": "x"}}]}});
    let body = json!({"children": [block], "index": 0});
    // Every token is sent by two calls, which make one edit.
    let add = |number: usize| {
        let token = format!("token {}", number / 2);
        world.call("POST", &path).query("client_token", &token).body(body.clone())
    };
    let replies = all_at_once((0..32).map(add).collect()).await;
    let mut answers: Vec<String> = replies.iter().map(|reply| reply.data().to_string()).collect();
    let mut revisions: Vec<i64> =
        replies.iter().filter_map(|reply| reply.data()["revision_id"].as_i64()).collect();
    answers.sort_unstable();
    answers.dedup();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!((answers.len(), revisions), (16, (2..=17).collect()));
    let items = world.call("GET", &format!("{base}/blocks")).send().await.data()["items"].clone();
    assert_eq!(items.as_array().map(Vec::len), Some(17));
    assert_eq!(items[0]["children"].as_array().map(Vec::len), Some(16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_winner_for_a_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    for round in 0..10 {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": format!("name {round}")}});
        let replies =
            all_at_once((0..24).map(|_| world.call("POST", "/im/v2/tags").body(body.clone())).collect())
                .await;
        let winners: Vec<String> =
            replies.iter().filter_map(|reply| reply.data()["id"].as_str().map(str::to_owned)).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        for loser in replies.iter().filter(|reply| reply.data().get("id").is_none()) {
            assert_eq!(loser.data()["create_tag_fail_reason"]["duplicate_id"], winners[0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_tags_cannot_be_renamed_to_one_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    for round in 0..10 {
        let mut tags = Vec::new();
        for n in 0..8 {
            tags.push(world.tag(&format!("{round} {n}")).await);
        }
        let body = json!({"patch_tag": {"name": format!("goal {round}")}});
        let requests =
            tags.iter().map(|id| world.call("PATCH", &format!("/im/v2/tags/{id}")).body(body.clone()));
        let replies = all_at_once(requests.collect()).await;
        let won = replies.iter().filter(|reply| reply.data().get("tag_info").is_some()).count();
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_bind_twice_is_one_binding() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let tag = world.tag("one").await;
    let body = json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [tag]});
    let requests = (0..32).map(|_| world.call("POST", "/im/v2/biz_entity_tag_relation").body(body.clone()));
    for reply in all_at_once(requests.collect()).await {
        reply.data();
    }
    let path = format!("/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={}", world.chat_id);
    let bound = world.call("GET", &path).send().await.data();
    assert_eq!(bound["tag_info_with_bind_versions"].as_array().expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_uuid_makes_one_chat() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let requests =
        (0..16).map(|_| world.call("POST", "/im/v1/chats?uuid=once").body(json!({"name": "once"})));
    let replies = all_at_once(requests.collect()).await;
    let first = replies[0].data()["chat_id"].clone();
    assert!(replies.iter().all(|reply| reply.data()["chat_id"] == first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_public_chats_cannot_take_one_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let mut chats = Vec::new();
    for n in 0..12 {
        chats.push(world.chat(json!({"name": format!("chat {n}"), "owner": world.app_id})).await);
    }
    let body = json!({"name": "Town square", "chat_type": "public"});
    let requests = chats.iter().map(|id| world.call("PUT", &format!("/im/v1/chats/{id}")).body(body.clone()));
    let replies = all_at_once(requests.collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 1);
    for lost in replies.iter().filter(|reply| reply.code() != 0) {
        lost.refused(232026);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_chat_is_dissolved_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let replies = all_at_once((0..12).map(|_| world.call("DELETE", &path)).collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 1);
    for late in replies.iter().filter(|reply| reply.code() != 0) {
        late.refused(232009);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_read_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let world = world.clone();
        tasks.push(tokio::spawn(async move {
            let id = world.tag(&format!("tag {n}")).await;
            for round in 0..40 {
                let name = format!("tag {n} round {round}");
                let body = json!({"patch_tag": {"name": name}});
                world.call("PATCH", &format!("/im/v2/tags/{id}")).body(body).send().await.data();
                let found = world.call("GET", &format!("/im/v2/tags?ids={id}")).send().await.data();
                assert_eq!(found["tag_infos"][0]["name"], name, "a stale read");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no stale read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_was_removed_from_a_document_is_not_brought_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let made = world.control("POST", "/documents").body(json!({"owner": world.app_id})).send().await.data();
    let members = format!("/drive/v1/permissions/{}/members", made["token"].as_str().expect("a token"));
    let user = &world.users[1].open_id;
    let add = json!({"member_type": "openid", "member_id": user, "perm": "view"});
    world.call("POST", &format!("{members}?type=docx")).body(add).send().await.data();
    let one = format!("{members}/{user}?type=docx");
    let requests = (0..24).map(|n| match n % 2 {
        0 => world.call("DELETE", &one).query("member_type", "openid"),
        _ => world.call("PUT", &one).body(json!({"member_type": "openid", "perm": "edit"})),
    });
    let replies = all_at_once(requests.collect()).await;
    for late in replies.iter().filter(|reply| reply.code() != 0) {
        late.refused(1063001);
    }
    assert_eq!(replies.iter().step_by(2).filter(|reply| reply.code() == 0).count(), 1, "one removes");
    let left = world.call("GET", &format!("{members}?type=docx")).send().await.data();
    assert_eq!(left["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_deleted_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let path = format!("/users/{}", world.users[0].user_id);
    let replies = all_at_once((0..12).map(|_| world.control("DELETE", &path)).collect()).await;
    assert_eq!(replies.iter().filter(|reply| reply.code() == 0).count(), 1);
    for late in replies.iter().filter(|reply| reply.code() != 0) {
        late.refused(5275404);
    }
    let info = world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    assert_eq!(info["user_count"], "2");
}

/// A right on a document is given to users who are deleted at the same moment: none outlives its user.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_right_is_given_to_a_deleted_user() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let token = world.document_url.rsplit('/').next().expect("a token");
    let share = format!("/drive/v1/permissions/{token}/members?type=docx");
    let mut given = 0;
    for round in 0..20 {
        let user_id = format!("leaver{round}");
        world.control("POST", "/users").body(json!({"user_id": user_id})).send().await.data();
        let member = json!({"member_type": "userid", "member_id": user_id, "perm": "view"});
        let requests = (0..8).map(|n| match n {
            n if n == round % 8 => world.control("DELETE", &format!("/users/{user_id}")),
            _ => world.call("POST", &share).body(member.clone()),
        });
        for reply in all_at_once(requests.collect()).await {
            match reply.code() {
                0 => given += 1,
                // A user of this name does not exist.
                _ => drop(reply.refused(1063001)),
            }
        }
    }
    assert!(given > 20, "only the deletions came through");
    let driver = &world.lab.app.engine().driver;
    let sql = "SELECT member FROM document_member WHERE member LIKE 'leaver%'";
    let left = driver.query(Effect::Reads, sql, vec![]).await.expect("reads");
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_speaker_is_on_the_list() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let path = format!("/im/v1/chats/{}/moderation?user_id_type=user_id", world.chat_id);
    let people: Vec<&str> = world.users.iter().map(|user| user.user_id.as_str()).collect();
    let requests = (0..24).map(|n| {
        let body = json!({"moderation_setting": "moderator_list", "moderator_added_list": [people[n % 3]]});
        world.call("PUT", &path).body(body)
    });
    assert!(all_at_once(requests.collect()).await.iter().all(|reply| reply.code() == 0));
    let data = world.call("GET", &path).send().await.data();
    assert_eq!(data["items"].as_array().expect("a list").len(), people.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_top_notice_wins_as_a_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let path = format!("/im/v1/chats/{}/top_notice/put_top_notice", world.chat_id);
    let mut ids = Vec::new();
    for _ in 0..12 {
        let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
        let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body);
        ids.push(sent.send().await.data()["message_id"].clone());
    }
    let message = |n: usize| json!({"action_type": "1", "message_id": ids[n % 12]});
    let tops: Vec<_> = (0..12).map(|n| json!([message(n), message(n + 1), message(n + 2)])).collect();
    let requests = tops.iter().map(|top| world.call("POST", &path).body(json!({"chat_top_notice": top})));
    assert!(all_at_once(requests.collect()).await.iter().all(|reply| reply.code() == 0));
    let shown = world.control("GET", &format!("/chats/{}", world.chat_id)).send().await.data();
    assert!(tops.contains(&shown["top_notice"]), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_lets_each_in_once_and_the_limit_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let world = lab(&directory).await.world().await;
    let mut people = Vec::new();
    for n in 0..8 {
        let body = json!({"user_id": format!("opener{n}")});
        let made = world.control("POST", "/users").body(body).send().await.data();
        people.push(made["user_id"].clone());
    }
    // Three are in already.
    world.control("PUT", "/limits").body(json!({"chat_users": 7})).send().await.data();
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let link = world.call("POST", &format!("{path}/link")).send().await.data()["share_link"].clone();
    let requests = (0..24).map(|n| {
        let body = json!({"share_link": link, "user_id": people[n % people.len()]});
        world.control("POST", "/share_links/open").body(body)
    });
    for lost in all_at_once(requests.collect()).await.iter().filter(|reply| reply.code() != 0) {
        lost.refused(5275400);
    }
    assert_eq!(world.call("GET", &path).send().await.data()["user_count"], "7");
}
