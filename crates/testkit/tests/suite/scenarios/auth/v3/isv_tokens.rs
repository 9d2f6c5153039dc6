//! `auth/v3` of ISV apps: tickets, app tokens, tokens in the tenants that installed them.

use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{names, text, world};

const APP: &str = "/open-apis/auth/v3/app_access_token";
const TENANT: &str = "/open-apis/auth/v3/tenant_access_token";
const RESEND: &str = "/open-apis/auth/v3/app_ticket/resend";

struct Shop {
    maker: World,
    app_id: String,
    secret: String,
}

impl Shop {
    async fn open() -> Shop {
        let maker = world().await;
        let made =
            maker.control("POST", "/apps").body(json!({"kind": "isv", "name": "shop"})).send().await.data();
        Shop { app_id: text(&made, "app_id"), secret: text(&made, "app_secret"), maker }
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.maker.lab.request("POST", path).body(body).send().await
    }

    async fn ticket(&self) -> String {
        let path = format!("/apps/{}/sign_in", self.app_id);
        text(&self.maker.control("GET", &path).send().await.data(), "app_ticket")
    }

    fn credentials(&self) -> Value {
        json!({"app_id": self.app_id, "app_secret": self.secret})
    }

    async fn app_token(&self, ticket: &str) -> Reply {
        let mut body = self.credentials();
        body["app_ticket"] = json!(ticket);
        self.post(APP, body).await
    }
}

/// Refusals here are HTTP 200 with empty data.
#[track_caller]
fn declined(reply: &Reply, code: u32, message: &str) {
    assert_eq!(
        (reply.status(), reply.json()),
        (200, json!({"code": code, "msg": message, "data": {}})),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn from_a_ticket_to_a_tenant() {
    let shop = Shop::open().await;
    let customer = shop.maker.lab.world().await;
    let install = json!({"app_id": shop.app_id});
    customer.control("POST", "/installs").body(install).send().await.data();
    let reply = shop.app_token(&shop.ticket().await).await.json();
    assert_eq!(names(&reply), ["app_access_token", "code", "expire", "msg"]);
    assert_eq!(
        (&reply["code"], &reply["msg"], &reply["expire"]),
        (&json!(0), &json!("success"), &json!(7140))
    );
    let app_token = text(&reply, "app_access_token");
    assert!(app_token.starts_with("a-"));
    // The Python SDK sends these fields, too.
    let body = json!({"app_access_token": app_token, "tenant_key": customer.tenant_key, "app_id": shop.app_id,
        "app_secret": shop.secret, "app_ticket": "x"});
    let reply = shop.post(TENANT, body.clone()).await.json();
    assert_eq!(names(&reply), ["code", "expire", "msg", "tenant_access_token"]);
    assert_eq!(reply["expire"], 7140);
    let token = text(&reply, "tenant_access_token");
    assert_eq!(customer.call("GET", "/bot/v3/info").token(&token).send().await.code(), 0);
    assert_eq!(shop.post(TENANT, body).await.json()["tenant_access_token"], token.as_str(), "given again");
    customer.call("GET", "/bot/v3/info").token(&app_token).send().await.refused(99991664);
    let shown = customer.control("GET", &format!("/apps/{}/sign_in", shop.app_id)).send().await;
    shown.refused(5275404);
}

#[tokio::test]
async fn tickets_follow_one_another() {
    let shop = Shop::open().await;
    let first = shop.ticket().await;
    let resend = shop.post(RESEND, shop.credentials()).await;
    assert_eq!(resend.json(), json!({"code": 0, "msg": "success"}));
    let second = shop.ticket().await;
    assert_ne!(first, second);
    for valid in [&first, &second] {
        assert_eq!(shop.app_token(valid).await.code(), 0);
    }
    declined(&shop.app_token("").await, 10012, "app_ticket invalid");
    declined(&shop.app_token("x").await, 10012, "app_ticket invalid");
}

#[tokio::test]
async fn a_ticket_is_good_for_an_hour_through_later_ones() {
    let shop = Shop::open().await;
    // A first ticket, and then one every twenty minutes; each with its age.
    let mut tickets = vec![(shop.ticket().await, 0)];
    for _ in 0..12 {
        for _ in 0..2 {
            assert_eq!(shop.post(RESEND, shop.credentials()).await.code(), 0);
            tickets.push((shop.ticket().await, 0));
        }
        shop.maker.advance(1190).await;
        for (_, age) in &mut tickets {
            *age += 1190;
        }
        for (ticket, age) in &tickets {
            let code = shop.app_token(ticket).await.code();
            if *age <= 3600 {
                assert_eq!(code, 0, "{age} seconds old");
            }
            if *age > 3 * 3600 {
                assert_eq!(code, 10012, "{age} seconds old");
            }
        }
    }
    assert!(tickets[0].1 > 3 * 3600);
    // The latest two are valid, however old.
    shop.maker.advance(48 * 3600).await;
    for (ticket, _) in &tickets[tickets.len() - 2..] {
        assert_eq!(shop.app_token(ticket).await.code(), 0);
    }
}

#[tokio::test]
async fn forms_are_read_like_json() {
    let shop = Shop::open().await;
    let post = |path: &str, body: String| {
        let request = shop.maker.lab.request("POST", path).raw(body);
        request.content_type(Some("application/x-www-form-urlencoded"))
    };
    let credentials = format!("app_id={}&app_secret={}", shop.app_id, shop.secret);
    let resend = post(RESEND, credentials.clone()).send().await;
    assert_eq!(resend.json(), json!({"code": 0, "msg": "success"}));
    let ticket = shop.ticket().await;
    let reply = post(APP, format!("{credentials}&app_ticket={ticket}")).send().await.json();
    let token = text(&reply, "app_access_token");
    let body = format!("app_access_token={token}&tenant_key={}", shop.maker.tenant_key);
    let reply = post(TENANT, body).send().await.json();
    let tenant = text(&reply, "tenant_access_token");
    assert_eq!(shop.maker.call("GET", "/bot/v3/info").token(&tenant).send().await.code(), 0);
    // The token of an ISV app may also be in the body of the historic sign-in.
    let body = format!("grant_type=authorization_code&code=x&app_access_token={token}");
    let reply = post("/open-apis/authen/v1/access_token", body).send().await;
    assert_eq!(reply.code(), 20003, "the app is known, the code is not: {}", reply.text());
}

#[tokio::test]
async fn every_refusal() {
    let shop = Shop::open().await;
    let custom = json!({"app_id": shop.maker.app_id, "app_secret": shop.maker.app_secret, "app_ticket": "x"});
    for path in [APP, RESEND] {
        for (name, value, code, message) in [
            ("app_id", "", 10003, "invalid param"),
            ("app_secret", "", 10003, "invalid param"),
            ("app_secret", "wrong", 10014, "app secret invalid"),
            ("app_id", "cli_0000000000000000", 10014, "app id not exists"),
        ] {
            let mut body = shop.credentials();
            body[name] = json!(value);
            declined(&shop.post(path, body).await, code, message);
        }
    }
    declined(&shop.post(APP, custom.clone()).await, 10003, "invalid param");
    declined(&shop.post(RESEND, custom).await, 10016, "app resend fail");

    let token = text(&shop.app_token(&shop.ticket().await).await.json(), "app_access_token");
    let ask = |token: &str, tenant: &str| {
        let body = json!({"app_access_token": token, "tenant_key": tenant});
        shop.maker.lab.request("POST", TENANT).body(body)
    };
    let home = &shop.maker.tenant_key;
    assert_eq!(ask(&token, home).send().await.code(), 0);
    for (token, tenant) in [("", home.as_str()), (&token, "")] {
        declined(&ask(token, tenant).send().await, 10003, "invalid param");
    }
    for wrong in ["a-x", "x", &shop.maker.token] {
        declined(&ask(wrong, home).send().await, 99991664, "invalid app token");
    }
    let stranger = shop.maker.lab.world().await;
    for tenant in ["x", "0000000000000000", &stranger.tenant_key] {
        declined(&ask(&token, tenant).send().await, 20009, "tenant has not installed app");
    }
    shop.maker.set_app(&shop.app_id, json!({"status": "uninstalled"})).await;
    declined(&ask(&token, home).send().await, 20009, "tenant has not installed app");
    shop.maker.advance(7140).await;
    declined(&ask(&token, home).send().await, 99991664, "invalid app token");
}

#[tokio::test]
async fn a_user_of_a_customer_signs_in() {
    let shop = Shop::open().await;
    let customer = shop.maker.lab.world().await;
    customer.control("POST", "/installs").body(json!({"app_id": shop.app_id})).send().await.data();
    let user = format!("{}/{}", customer.tenant_key, customer.users[0].user_id);
    let pairs = [
        ("client_id", shop.app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost/"),
        ("decision", "allow"),
        ("user", &user),
    ];
    let request = shop.maker.lab.answer_page(&pairs).await;
    let reply = request.content_type(Some("application/x-www-form-urlencoded; charset=utf-8")).send().await;
    let address = reply.response.header("location").expect("a Location").into_owned();
    let code = address.split_once("code=").expect("a code").1;
    let token = text(&shop.app_token(&shop.ticket().await).await.json(), "app_access_token");
    let body = json!({"grant_type": "authorization_code", "code": code});
    let request =
        shop.maker.lab.request("POST", "/open-apis/authen/v1/access_token").token(&token).body(body);
    let data = request.send().await.data();
    assert_eq!(
        (&data["tenant_key"], &data["name"]),
        (&json!(customer.tenant_key), &json!(customer.users[0].name))
    );
}
