//! Members of a chat, and their roles.

use larkspur_testkit::Request;
use serde_json::{Value, json};

use super::{CALLS, Place, mixed, texts};

fn members(place: &Place, method: &str, ids: &[&str]) -> Request {
    let path = format!("/im/v1/chats/{}/members?member_id_type=user_id", place.chat_id);
    place.call(method, &path).body(json!({"id_list": ids}))
}

async fn limit(place: &Place, users: usize) {
    place.control("PUT", "/limits").body(json!({"chat_users": users})).send().await.data();
}

/// The last seats are taken once, by two users or by none.
pub(super) async fn seats(place: Place) {
    let ids = place.users(24).await;
    limit(&place, 10).await;
    let requests = ids.chunks(2).map(|two| members(&place, "POST", &[&two[0], &two[1]])).collect();
    place.race(requests).await.won(3, &[232044]);
    assert_eq!(place.is_sound(&place.chat_id).await, (9, 1));
}

/// One of the leaving members is the last, and the chat is dissolved with it.
pub(super) async fn leave(place: Place) {
    let people: Vec<&str> = place.users.iter().map(|user| user.user_id.as_str()).collect();
    let chat = place.chat(json!({"members": people})).await;
    let path = format!("/im/v1/chats/{chat}/members?member_id_type=user_id");
    let mut requests = Vec::new();
    for (user, id) in people.iter().enumerate() {
        let token = place.user_token(user, json!({})).await;
        let leave = place.call("DELETE", &path).token(&token).body(json!({"id_list": [id]}));
        requests.extend([leave.clone(), leave]);
    }
    // A member who has left is refused when the call is repeated; once the chat is empty, it is dissolved.
    place.race(requests).await.won(3, &[232009, 232011]);
    let left = place.shown(&format!("/chats/{chat}")).await;
    assert_eq!((&left["chat_status"], &left["members"]), (&json!("dissolved"), &json!([])));
    assert_eq!(place.is_sound(&chat).await, (0, 0));
}

/// The last seats of a public chat are taken once.
pub(super) async fn join(place: Place) {
    let owner = &place.users[0].user_id;
    let chat = place.chat(json!({"chat_type": "public", "owner": owner})).await;
    limit(&place, 4).await;
    let path = format!("/im/v1/chats/{chat}/members/me_join");
    let mut requests = Vec::new();
    for id in place.users(8).await {
        let body = json!({"app_id": place.app_id});
        let token = place.control("POST", &format!("/users/{id}/tokens")).body(body).send().await.data();
        requests.push(place.call("PATCH", &path).token(token["access_token"].as_str().expect("a token")));
    }
    place.race(requests).await.won(3, &[232013]);
    assert_eq!(place.is_sound(&chat).await, (4, 0));
}

async fn managed(place: &Place) -> Vec<String> {
    let sql = "SELECT member FROM chat_member WHERE tenant = $1 AND manager = 1 ORDER BY member";
    let rows = place.rows(sql).await;
    rows.into_iter().map(|row| format!("{:?}", row[0])).collect()
}

/// Ten and no more.
pub(super) async fn appoint(place: Place) {
    let ids = place.users(14).await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    members(&place, "POST", &all).send().await.data();
    let owner = place.user_token(0, json!({})).await;
    let path = format!("/im/v1/chats/{}/managers/add_managers?member_id_type=user_id", place.chat_id);
    let appoint = |id: &&str| place.call("POST", &path).token(&owner).body(json!({"manager_ids": [id]}));
    place.race(all.iter().map(appoint).collect()).await.won(10, &[232040]);
    assert_eq!(managed(&place).await.len(), 10);
}

/// Two users who are appointed and dismissed together are both managers or neither; dismissed last, neither is.
pub(super) async fn dismiss(place: Place) {
    let owner = place.user_token(0, json!({})).await;
    let two = [&place.users[1].user_id, &place.users[2].user_id];
    let change = |verb: &str| {
        let path = format!("/im/v1/chats/{}/managers/{verb}?member_id_type=user_id", place.chat_id);
        place.call("POST", &path).token(&owner).body(json!({"manager_ids": two}))
    };
    let both = vec![vec![change("add_managers"); 6], vec![change("delete_managers"); 6]];
    place.race(mixed(both)).await.all_done();
    assert!([0, 2].contains(&managed(&place).await.len()), "{:?}", managed(&place).await);
    place.race_same(change("delete_managers")).await.all_done();
    assert_eq!(managed(&place).await.len(), 0);
}

/// Everyone who was allowed to speak is on the list, once.
pub(super) async fn speakers(place: Place) {
    let path = format!("/im/v1/chats/{}/moderation?user_id_type=user_id", place.chat_id);
    let add = |number: usize| {
        let who = &place.users[number % 3].user_id;
        let body = json!({"moderation_setting": "moderator_list", "moderator_added_list": [who]});
        place.call("PUT", &path).body(body)
    };
    place.race((0..CALLS).map(add).collect()).await.all_done();
    assert_eq!(place.get(&path).await["items"].as_array().map(Vec::len), Some(3));
}

/// Of two whole settings of two chats, one applies in both, whatever the order in which each call names them.
pub(super) async fn mute(place: Place) {
    let user = place.user_token(0, json!({})).await;
    let other = place.chat(json!({"members": [place.users[0].user_id]})).await;
    let set = |number: usize| {
        let muted = number % 4 < 2;
        let one = |chat: &str| json!({"chat_id": chat, "is_muted": muted, "is_mute_at_all": !muted});
        let mut both = [one(&place.chat_id), one(&other)];
        both.rotate_left(number % 2);
        let path = "/im/v1/chat_user_setting/batch_update";
        place.call("POST", path).token(&user).body(json!({"chat_settings": both}))
    };
    for done in place.race((0..CALLS).map(set).collect()).await.all_done() {
        assert_eq!(done, json!({"invalid_ids": []}));
    }
    let asked = json!({"chat_ids": [place.chat_id, other]});
    let request = place.call("POST", "/im/v1/chat_user_setting/batch_query").token(&user).body(asked);
    let items = request.send().await.data()["items"].clone();
    let set = |at: usize| (&items[at]["is_muted"], &items[at]["is_mute_at_all"]);
    assert_eq!(set(0), set(1), "{items}");
    assert_ne!(set(0).0, set(0).1, "{items}");
}

fn named(place: &Place, token: &str, number: usize) -> Request {
    let path = format!("/im/v1/chats/{}/nickname", place.chat_id);
    place.call("PUT", &path).token(token).body(json!({"nickname": format!("name {}", number % 3)}))
}

async fn own_name(place: &Place, token: &str) -> String {
    let path = format!("/im/v1/chats/{}/nickname", place.chat_id);
    let shown = place.call("GET", &path).token(token).send().await.data();
    shown["nickname"].as_str().expect("a nickname").to_owned()
}

/// One of the names is stored, whole.
pub(super) async fn nickname(place: Place) {
    let user = place.user_token(0, json!({})).await;
    place.race((0..CALLS).map(|number| named(&place, &user, number)).collect()).await.all_done();
    let left = own_name(&place, &user).await;
    assert!(["name 0", "name 1", "name 2"].contains(&left.as_str()), "{left}");
}

/// A nickname that is set and removed concurrently is whole or absent; removed last, it is absent.
pub(super) async fn no_nickname(place: Place) {
    let user = place.user_token(0, json!({})).await;
    let take = place.call("DELETE", &format!("/im/v1/chats/{}/nickname", place.chat_id)).token(&user);
    let both = vec![vec![named(&place, &user, 0); 6], vec![take.clone(); 6]];
    place.race(mixed(both)).await.all_done();
    let left = own_name(&place, &user).await;
    assert!(["", "name 0"].contains(&left.as_str()), "{left}");
    place.race_same(take).await.all_done();
    assert_eq!(own_name(&place, &user).await, "");
}

/// In once, and a manager or not, as one of the calls said.
pub(super) async fn put_in(place: Place) {
    let ids = place.users(2).await;
    let put = |number: usize| {
        let path = format!("/chats/{}/members/{}", place.chat_id, ids[number % 2]);
        place.control("PUT", &path).body(json!({"manager": number % 4 < 2}))
    };
    place.race((0..CALLS).map(put).collect()).await.all_done();
    assert_eq!(place.is_sound(&place.chat_id).await, (5, 1));
}

/// In or out, and counted as such; the owner's role goes with the owner.
pub(super) async fn taken_out(place: Place) {
    let at = |method: &str, user: usize| {
        let path = format!("/chats/{}/members/{}", place.chat_id, place.users[user].user_id);
        if method == "PUT" {
            place.control("PUT", &path).body(json!({}))
        } else {
            place.control(method, &path)
        }
    };
    let three = |method: &str| (0..6).map(|number| at(method, number % 3)).collect::<Vec<_>>();
    place.race(mixed(vec![three("DELETE"), three("PUT")])).await.done_or(&[5275404]);
    place.is_sound(&place.chat_id).await;
    place.race(three("DELETE")).await.done_or(&[5275404]);
    assert_eq!(place.is_sound(&place.chat_id).await, (0, 1));
}

/// A member who waits for approval is accepted or rejected, once.
pub(super) async fn answered(place: Place) {
    let path = format!("/chats/{}", place.chat_id);
    let asks = json!({"settings": {"membership_approval": "approval_required"}});
    place.control("PATCH", &path).body(asks).send().await.data();
    let ids = place.users(4).await;
    let invites = place.user_token(1, json!({})).await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let invited = members(&place, "POST", &all).token(&invites).send().await.data();
    assert_eq!(invited["pending_approval_id_list"], json!(ids));
    let answer = |method: &str| -> Vec<Request> {
        let one = |number: usize| place.control(method, &format!("{path}/pending/{}", ids[number % 4]));
        (0..8).map(one).collect()
    };
    let answers = place.race(mixed(vec![answer("PUT"), answer("DELETE")])).await;
    answers.won(4, &[5275404]);
    let let_in = answers.of("larkspur.v1.chat.pending_put");
    let let_in = let_in.iter().filter(|answer| answer.json["code"] == 0).count();
    assert_eq!(place.is_sound(&place.chat_id).await, (3 + let_in, 1));
    assert_eq!(place.count("chat_pending").await, 0);
}

/// A link admits each user once, as far as there are seats.
pub(super) async fn open_link(place: Place) {
    let ids = place.users(8).await;
    limit(&place, 7).await;
    let link = place.call("POST", &format!("/im/v1/chats/{}/link", place.chat_id)).send().await.data();
    let open = |number: usize| {
        let body = json!({"share_link": link["share_link"], "user_id": ids[number % 8]});
        place.control("POST", "/share_links/open").body(body)
    };
    place.race((0..16).map(open).collect()).await.done_or(&[5275400]);
    assert_eq!(place.is_sound(&place.chat_id).await, (7, 1));
    let shown: Value = place.shown(&format!("/chats/{}", place.chat_id)).await;
    assert_eq!(texts(&shown["members"], "member").len(), 8);
}
