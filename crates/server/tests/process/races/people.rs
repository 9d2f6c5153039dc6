//! Users, and documents with their collaborators.

use larkspur_testkit::Request;
use serde_json::{Value, json};

use super::{CALLS, Place, mixed, text};

/// One call gets the id, with the name from the same call.
pub(super) async fn user(place: Place) {
    let make = |number: usize| {
        place.control("POST", "/users").body(json!({"user_id": "raced", "name": format!("name {number}")}))
    };
    let won = place.race((0..CALLS).map(make).collect()).await.won(1, &[5275409]);
    let shown = place.shown("/users/raced").await;
    assert_eq!((&shown["name"], &shown["union_id"]), (&won[0]["name"], &won[0]["union_id"]));
    let terms = place.rows("SELECT 1 FROM user_term WHERE tenant = $1 AND user_id = 'raced'").await;
    assert_eq!(terms.len(), 2, "those of one name");
}

/// Deleted once, and in no chat afterwards, even if a call adds the user meanwhile.
pub(super) async fn no_user(place: Place) {
    let id = &place.users[1].user_id;
    let path = format!("/im/v1/chats/{}/members?member_id_type=user_id", place.chat_id);
    let add = place.call("POST", &path).body(json!({"id_list": [id]}));
    let delete = place.control("DELETE", &format!("/users/{id}"));
    let answers = place.race(mixed(vec![vec![delete; 6], vec![add; 6]])).await;
    answers.done_or(&[5275404, 232043, 232001, 99992360, 99992361, 99992363, 99992364]);
    let deleted = answers.of("larkspur.v1.user.delete");
    assert_eq!(deleted.iter().filter(|answer| answer.json["code"] == 0).count(), 1);
    assert_eq!(place.is_sound(&place.chat_id).await, (2, 1));
    let left = format!("SELECT 1 FROM chat_member WHERE tenant = $1 AND member = '{id}'");
    assert_eq!(place.rows(&left).await.len(), 0);
}

/// Name and address come from the same call.
pub(super) async fn change(place: Place) {
    let path = format!("/users/{}", place.users[1].user_id);
    let change = |number: usize| {
        let body = json!({"name": format!("name{number}"), "email": format!("name{number}@example.com")});
        place.control("PATCH", &path).body(body)
    };
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let shown = place.shown(&path).await;
    assert_eq!(text(&shown, "email"), format!("{}@example.com", text(&shown, "name")));
    let sql = format!("SELECT 1 FROM user_term WHERE tenant = $1 AND user_id = '{}'", place.users[1].user_id);
    assert_eq!(place.rows(&sql).await.len(), 1, "the terms of one name");
}

/// Of tokens that revoke all earlier ones, the last one remains.
pub(super) async fn tokens(place: Place) {
    let path = format!("/users/{}/tokens", place.users[1].user_id);
    let body = json!({"app_id": place.app_id, "revoke_previous": true});
    let made = place.race_same(place.control("POST", &path).body(body)).await.all_done();
    for server in &place.stage.servers {
        let mut client = server.client();
        let mut valid = 0;
        for data in &made {
            let token = text(data, "access_token");
            let answer = client.send(&token, "GET", "/open-apis/authen/v1/user_info", &Value::Null);
            valid += usize::from(answer.expect("an answer").1["code"] == 0);
        }
        assert_eq!(valid, 1, "of all tokens");
    }
}

/// A grant that several calls revoke at the same time is revoked as often, and no token of before is accepted.
pub(super) async fn revoked(place: Place) {
    let (user_id, app_id) = (&place.users[1].user_id, &place.app_id);
    let body = json!({"app_id": app_id});
    let made = place.control("POST", &format!("/users/{user_id}/tokens")).body(body).send().await.data();
    let before = place.shown(&format!("/apps/{app_id}/grants")).await;
    let body = json!({"user_id": user_id, "app_id": app_id});
    let done = place.race_same(place.control("POST", "/tokens/revoke").body(body)).await.all_done();
    let after = place.shown(&format!("/apps/{app_id}/grants")).await;
    let count = |all: &Value| {
        let mut list = all["grants"].as_array().expect("a list").iter();
        let own = list.find(|one| one["user_id"] == user_id.as_str()).expect("a grant");
        own["revocations"].as_u64().expect("a number")
    };
    assert_eq!(count(&after) - count(&before), done.len() as u64);
    for server in &place.stage.servers {
        let token = text(&made, "access_token");
        let answer = server.client().send(&token, "GET", "/open-apis/authen/v1/user_info", &Value::Null);
        assert_ne!(answer.expect("an answer").1["code"], 0);
    }
}

/// One call gets the token.
pub(super) async fn document(place: Place) {
    let make = |number: usize| {
        let body = json!({"token": "raced", "title": format!("title {number}"), "owner": place.users[number % 3].user_id});
        place.control("POST", "/documents").body(body)
    };
    let won = place.race((0..CALLS).map(make).collect()).await.won(1, &[5275409]);
    let shown = place.shown("/documents/raced").await;
    assert_eq!((&shown["title"], &shown["owner"]), (&won[0]["title"], &won[0]["owner"]));
}

/// The token of a document of the world's app.
async fn own(place: &Place) -> String {
    let made = place.control("POST", "/documents").body(json!({"owner": place.app_id})).send().await;
    text(&made.data(), "token")
}

/// Deleted or not, as one of the calls said; a deleted one cannot be shared.
pub(super) async fn document_state(place: Place) {
    let token = own(&place).await;
    let path = format!("/documents/{token}");
    let change = |number: usize| place.control("PATCH", &path).body(json!({"deleted": number % 4 < 2}));
    place.race((0..CALLS).map(change).collect()).await.all_done();
    let deleted = place.shown(&path).await["deleted"].as_bool().expect("a flag");
    let read = place.call("GET", &format!("/drive/v1/permissions/{token}/members?type=docx")).send().await;
    assert_eq!(read.code() == 0, !deleted, "{}", read.text());
    let mut all: Vec<Request> = vec![place.control("PATCH", &path).body(json!({"deleted": true})); 6];
    all.extend(vec![give(&place, &token, 1, "view"); 6]);
    place.race(all).await.done_or(&[1063005]);
    assert!(place.shown(&path).await["deleted"].as_bool().expect("a flag"));
    give(&place, &token, 1, "view").send().await.refused(1063005);
}

fn give(place: &Place, token: &str, user: usize, perm: &str) -> Request {
    let member = &place.users[user].user_id;
    place
        .call("POST", &format!("/drive/v1/permissions/{token}/members?type=docx"))
        .body(json!({"member_type": "userid", "member_id": member, "perm": perm}))
}

const PERMS: [&str; 3] = ["view", "edit", "full_access"];

/// A user's permissions for a document, one for each row.
async fn permission(place: &Place, token: &str, user: usize) -> Vec<String> {
    let shown = place.shown(&format!("/documents/{token}")).await;
    let all = shown["collaborators"].as_array().expect("a list").iter();
    let of_user = all.filter(|one| one["member"] == place.users[user].user_id.as_str());
    of_user.map(|one| text(one, "perm")).collect()
}

fn one(place: &Place, method: &str, token: &str, perm: &str) -> Request {
    let member = &place.users[1].user_id;
    let path = format!("/drive/v1/permissions/{token}/members/{member}?type=docx&member_type=userid");
    match method {
        "DELETE" => place.call(method, &path),
        _ => place.call(method, &path).body(json!({"member_type": "userid", "perm": perm})),
    }
}

/// Shared with a user once, as one of the calls said.
pub(super) async fn share(place: Place) {
    let token = own(&place).await;
    let requests = (0..CALLS).map(|number| give(&place, &token, 1, PERMS[number / 2 % 3])).collect();
    place.race(requests).await.all_done();
    let found = permission(&place, &token, 1).await;
    assert!(found.len() == 1 && PERMS.contains(&found[0].as_str()), "{found:?}");
}

/// As one of the calls said.
pub(super) async fn change_share(place: Place) {
    let token = own(&place).await;
    give(&place, &token, 1, "view").send().await.data();
    let requests = (0..CALLS).map(|number| one(&place, "PUT", &token, PERMS[1 + number / 2 % 2])).collect();
    place.race(requests).await.all_done();
    let found = permission(&place, &token, 1).await;
    assert!(found.len() == 1 && PERMS[1..].contains(&found[0].as_str()), "{found:?}");
}

/// One call removes it, and a concurrent change does not restore it.
pub(super) async fn unshare(place: Place) {
    let token = own(&place).await;
    give(&place, &token, 1, "view").send().await.data();
    let both = vec![vec![one(&place, "DELETE", &token, ""); 6], vec![one(&place, "PUT", &token, "edit"); 6]];
    let answers = place.race(mixed(both)).await;
    answers.done_or(&[1063001]);
    let gone = answers.of("drive.v1.permission_member.delete");
    assert_eq!(gone.iter().filter(|answer| answer.json["code"] == 0).count(), 1);
    assert_eq!(permission(&place, &token, 1).await, Vec::<String>::new());
}

/// One row, as one of the calls said.
pub(super) async fn collaborator(place: Place) {
    let token = own(&place).await;
    let put = |number: usize| {
        let body = json!({"member": place.users[1].user_id, "perm": PERMS[number / 2 % 3]});
        place.control("PUT", &format!("/documents/{token}/collaborators")).body(body)
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    let found = permission(&place, &token, 1).await;
    assert!(found.len() == 1 && PERMS.contains(&found[0].as_str()), "{found:?}");
}

/// A user and a bot have one chat, however often it is opened.
pub(super) async fn p2p_chat(place: Place) {
    let body = json!({"as": place.users[1].user_id, "app_id": place.app_id});
    let opened = place.race_same(place.control("POST", "/p2p").body(body)).await.all_done();
    assert!(opened.iter().all(|one| one["chat_id"] == opened[0]["chat_id"]), "{opened:?}");
    assert_eq!(place.rows("SELECT 1 FROM chat WHERE tenant = $1 AND chat_mode = 'p2p'").await.len(), 1);
}

/// Each click is taken.
pub(super) async fn menu_clicks(place: Place) {
    let path = format!("/apps/{}/menu_clicks", place.app_id);
    let body = json!({"as": place.users[1].user_id, "event_key": "help_page"});
    place.race_same(place.control("POST", &path).body(body)).await.all_done();
}
