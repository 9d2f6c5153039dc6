//! Signing in: apps, shops, users.

use larkspur_store::Value as Cell;
use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{CALLS, Place, distinct, text};

const HOME: &str = "http://localhost:3000/cb";

/// A token works on both servers.
async fn works(place: &Place, path: &str, token: &str) {
    for server in &place.stage.servers {
        let answer = server.client().send(token, "GET", &format!("/open-apis{path}"), &Value::Null);
        let (status, json) = answer.expect("an answer");
        assert_eq!((status, &json["code"]), (200, &json!(0)), "{json}");
    }
}

/// All get the same token, since a new one is returned again.
async fn one_token(place: &Place, request: Request, name: &str) -> String {
    let made = place.race_same(request).await.all_done();
    let tokens: Vec<String> = made.iter().map(|data| text(data, name)).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    tokens[0].clone()
}

/// The credentials of a new app that has never signed in.
async fn fresh(place: &Place, body: Value) -> Value {
    let made = place.control("POST", "/apps").body(body).send().await.data();
    json!({"app_id": made["app_id"], "app_secret": made["app_secret"]})
}

async fn internal(place: &Place, kind: &str) {
    let credentials = fresh(place, json!({})).await;
    let request = place.call("POST", &format!("/auth/v3/{kind}_access_token/internal")).anonymous();
    let token = one_token(place, request.body(credentials), &format!("{kind}_access_token")).await;
    works(place, "/bot/v3/info", &token).await;
    assert_eq!(
        place.rows("SELECT 1 FROM token_issue WHERE tenant = $1").await.len(),
        2,
        "the world's own, too"
    );
}

pub(super) async fn tenant_token(place: Place) {
    internal(&place, "tenant").await;
}

pub(super) async fn app_token(place: Place) {
    internal(&place, "app").await;
}

/// An ISV app of this world, with a ticket.
async fn shop(place: &Place) -> Value {
    let mut shop = fresh(place, json!({"kind": "isv"})).await;
    let path = format!("/apps/{}/sign_in", text(&shop, "app_id"));
    shop["app_ticket"] = place.shown(&path).await["app_ticket"].clone();
    shop
}

pub(super) async fn app_token_of_the_shop(place: Place) {
    let request = place.call("POST", "/auth/v3/app_access_token").anonymous().body(shop(&place).await);
    one_token(&place, request, "app_access_token").await;
}

pub(super) async fn tenant_token_of_the_shop(place: Place) {
    let ask = place.call("POST", "/auth/v3/app_access_token").anonymous().body(shop(&place).await);
    let app = text(&ask.send().await.json(), "app_access_token");
    let body = json!({"app_access_token": app, "tenant_key": place.tenant_key});
    let request = place.call("POST", "/auth/v3/tenant_access_token").anonymous().body(body);
    let token = one_token(&place, request, "tenant_access_token").await;
    works(&place, "/bot/v3/info", &token).await;
}

/// Each call makes a ticket of its own, in sequence; the last one is valid.
pub(super) async fn tickets(place: Place) {
    let mut shop = shop(&place).await;
    let number = "SELECT ticket_no FROM app_sign_in WHERE tenant = $1";
    let before = place.rows(number).await.first().map_or(0, |row| int(&row[0]));
    let resend = place.call("POST", "/auth/v3/app_ticket/resend").anonymous().body(shop.clone());
    place.race_same(resend).await.all_done();
    let after = int(&place.rows(number).await[0][0]);
    assert_eq!(after, before + i64::try_from(CALLS).expect("a small number"));
    let path = format!("/apps/{}/sign_in", text(&shop, "app_id"));
    shop["app_ticket"] = place.shown(&path).await["app_ticket"].clone();
    let reply = place.call("POST", "/auth/v3/app_access_token").anonymous().body(shop).send().await;
    assert_eq!(reply.code(), 0, "{}", reply.text());
}

fn int(cell: &Cell) -> i64 {
    match cell {
        Cell::Int(number) => *number,
        other => panic!("no number: {other:?}"),
    }
}

/// A decision on the page, for one of the world's users.
async fn decision(world: &World) -> Request {
    let user = format!("{}/{}", world.tenant_key, world.users[0].user_id);
    let pairs = [
        ("client_id", world.app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", HOME),
        ("scope", "offline_access"),
        ("decision", "allow"),
        ("user", &user),
    ];
    world.lab.answer_page(&pairs).await
}

async fn fresh_code(place: &Place) -> String {
    let path = format!("/apps/{}/sign_in", place.app_id);
    place.control("PUT", &path).body(json!({"redirect_uris": [HOME]})).send().await.data();
    let reply = decision(place).await.send().await;
    let address =
        reply.response.header("location").unwrap_or_else(|| panic!("{}", reply.text())).into_owned();
    let code = address.split("code=").nth(1).unwrap_or_else(|| panic!("{address}"));
    code.split('&').next().expect("a code").to_owned()
}

/// Each decision makes a code of its own.
pub(super) async fn decisions(place: Place) {
    fresh_code(&place).await;
    let answers = place.race_same(decision(&place).await).await;
    for answer in &answers.0 {
        assert_eq!(answer.status, 302, "{}", answer.json);
    }
    assert_eq!(place.count("oauth_code").await, 1 + CALLS);
}

/// No server accepts a token any more.
async fn ended(place: &Place, token: &str) {
    for server in &place.stage.servers {
        let answer = server.client().send(token, "GET", "/open-apis/authen/v1/user_info", &Value::Null);
        let (_, json) = answer.expect("an answer");
        assert_eq!(json["code"], 99991668, "{json}");
    }
}

/// Of several calls with one code, or one refresh token, one succeeds. The other calls revoke it by reusing the code:
/// the token works nowhere.
async fn used_once(place: &Place, path: &str, used: [i64; 2]) {
    let with = |more: Value| {
        let mut body = json!({"client_id": place.app_id, "client_secret": place.app_secret});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        place.lab.request("POST", path).body(body)
    };
    let by_code =
        |code: String| with(json!({"grant_type": "authorization_code", "code": code, "redirect_uri": HOME}));
    let other = by_code(fresh_code(place).await).send().await.json();
    works(place, "/authen/v1/user_info", &text(&other, "access_token")).await;
    let made = place.race_same(by_code(fresh_code(place).await)).await.won(1, &[used[0]]);
    ended(place, &text(&made[0], "access_token")).await;
    let refresh = with(json!({"grant_type": "refresh_token", "refresh_token": made[0]["refresh_token"]}));
    assert_eq!(refresh.send().await.code(), 20064, "the sign-in was ended");
    works(place, "/authen/v1/user_info", &text(&other, "access_token")).await;
    let refresh = with(json!({"grant_type": "refresh_token", "refresh_token": other["refresh_token"]}));
    let made = place.race_same(refresh).await.won(1, &[used[1]]);
    ended(place, &text(&made[0], "access_token")).await;
}

pub(super) async fn code(place: Place) {
    used_once(&place, "/open-apis/authen/v2/oauth/token", [20065, 20073]).await;
}

pub(super) async fn code_of_v3(place: Place) {
    used_once(&place, "/oauth/v3/token", [20065, 20073]).await;
}

/// The same at the historic endpoints, with a code.
async fn code_used(place: &Place, path: &str) {
    let body = json!({"grant_type": "authorization_code", "code": fresh_code(place).await});
    let made = place.race_same(place.call("POST", path).body(body)).await.won(1, &[20003]);
    ended(place, &text(&made[0], "access_token")).await;
}

async fn refresh_used(place: &Place, first: &str, again: &str) {
    let body = json!({"grant_type": "authorization_code", "code": fresh_code(place).await});
    let made = place.call("POST", first).body(body).send().await.data();
    let body = json!({"grant_type": "refresh_token", "refresh_token": made["refresh_token"]});
    let renewed = place.race_same(place.call("POST", again).body(body)).await.won(1, &[20026]);
    ended(place, &text(&renewed[0], "access_token")).await;
    let tokens = [&made, &renewed[0]].map(|data| text(data, "refresh_token"));
    assert!(distinct(&tokens), "{tokens:?}");
}

pub(super) async fn historic_code(place: Place) {
    code_used(&place, "/authen/v1/access_token").await;
}

pub(super) async fn oidc_code(place: Place) {
    code_used(&place, "/authen/v1/oidc/access_token").await;
}

pub(super) async fn historic_refresh(place: Place) {
    refresh_used(&place, "/authen/v1/access_token", "/authen/v1/refresh_access_token").await;
}

pub(super) async fn oidc_refresh(place: Place) {
    refresh_used(&place, "/authen/v1/oidc/access_token", "/authen/v1/oidc/refresh_access_token").await;
}
