//! `bot/v3/info`, the ping of the vendor's plugin, and the names of bots

use larkspur_testkit::Request;
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, names, refused, text, world};

#[tokio::test]
async fn the_bot_stands_at_the_top() {
    let world = world().await;
    let reply = world.call("GET", "/bot/v3/info").send().await;
    let json = reply.json();
    assert_eq!((reply.status(), names(&json)), (200, vec!["bot", "code", "msg"]), "{json}");
    assert_eq!((&json["code"], &json["msg"]), (&json!(0), &json!("ok")));
    let bot = &json["bot"];
    assert_eq!(names(bot), ["activate_status", "app_name", "avatar_url", "ip_white_list", "open_id"]);
    assert_eq!((&bot["activate_status"], &bot["ip_white_list"]), (&json!(2), &json!([])));
    assert!(text(bot, "avatar_url").starts_with("https://"));
    let app = world.control("GET", &format!("/apps/{}", world.app_id)).send().await.data();
    assert_eq!((&bot["open_id"], &bot["app_name"]), (&app["bot_open_id"], &app["name"]));

    // One client sends it with a body.
    let with_body = world.call("GET", "/bot/v3/info").body(json!({})).send().await;
    assert_eq!(with_body.json(), json);
}

#[tokio::test]
async fn without_a_bot_without_scopes_and_out_of_use() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"bot": false, "scopes": []})).await;
    let info = world.call("GET", "/bot/v3/info").send().await.json();
    assert_eq!((&info["code"], &info["bot"]["activate_status"]), (&json!(0), &json!(0)));
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    refused(&world.call("GET", "/bot/v3/info").send().await, 99991662);
    world.set_app(&world.app_id, json!({"status": "uninstalled"})).await;
    refused(&world.call("GET", "/bot/v3/info").send().await, 99991673);
}

#[tokio::test]
async fn a_bot_has_one_open_id_for_each_app() {
    let maker = world().await;
    let other = maker.lab.world().await;
    let (app_id, home) = isv_app(&maker).await;
    other.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&other, &app_id).await;
    let bot =
        async |token: &str| maker.call("GET", "/bot/v3/info").token(token).send().await.json()["bot"].clone();
    assert_eq!(bot(&home).await, bot(&away).await);
    assert_ne!(bot(&home).await["open_id"], bot(&maker.token).await["open_id"]);
    let user = maker.user_token(0, json!({})).await;
    let reply = maker.call("GET", "/bot/v3/info").token(&user).send().await;
    assert_eq!(reply.refused(99991668)["msg"], "user access token not support");
}

#[tokio::test]
async fn the_bot_is_told_by_post_too() {
    let world = world().await;
    let by_get = world.call("GET", "/bot/v3/info").send().await.json();
    for body in ["", "{}", "{\"a\":1}"] {
        for path in ["/bot/v3/info", "/bot/v3/info/"] {
            let reply = world.call("POST", path).raw(body).send().await;
            assert_eq!((reply.status(), reply.json()), (200, by_get.clone()), "{path} {body:?}");
        }
    }
    world.set_app(&world.app_id, json!({"bot": false, "scopes": []})).await;
    let without = world.call("POST", "/bot/v3/info").send().await.json();
    assert_eq!(without["bot"]["activate_status"], 0);
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    refused(&world.call("POST", "/bot/v3/info").send().await, 99991662);
}

#[tokio::test]
async fn a_plugin_learns_who_its_bot_is() {
    let world = world().await;
    let ping = |body: Value| world.call("POST", "/bot/v1/openclaw_bot/ping").body(body);
    let info = world.call("GET", "/bot/v3/info").send().await.json()["bot"].clone();
    let reply = ping(json!({"needBotInfo": true})).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let expected = json!({"botID": info["open_id"], "botName": info["app_name"]});
    assert_eq!(reply.data(), json!({"pingBotInfo": expected}));
    for without in [json!({"needBotInfo": false}), json!({}), json!({"needBotInfo": null})] {
        assert_eq!(ping(without).send().await.data(), json!({}));
    }
    ping(json!({"needBotInfo": "yes"})).send().await.refused(9499);
    world.set_app(&world.app_id, json!({"bot": false, "scopes": []})).await;
    assert_eq!(
        ping(json!({"needBotInfo": true})).send().await.data()["pingBotInfo"]["botID"],
        info["open_id"]
    );
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    refused(&ping(json!({"needBotInfo": true})).send().await, 99991662);
}

#[tokio::test]
async fn bots_have_names_by_the_ids_that_the_caller_sees() {
    let world = world().await;
    let (other, theirs) = world.app(json!({"name": "Helper"})).await;
    let chat = world.chat(json!({"members": [world.app_id, other]})).await;
    let seen = world.call("GET", &format!("/im/v1/chats/{chat}/members/bots")).send().await.data();
    let of = |name: &str| {
        let items = seen["items"].as_array().expect("items");
        text(items.iter().find(|item| item["bot_name"] == name).expect(name), "bot_id")
    };
    let helper = of("Helper");
    let own = text(&world.call("GET", "/bot/v3/info").send().await.json()["bot"], "open_id");
    let names = |ids: &[&str]| -> Request {
        let request = world.call("GET", "/bot/v3/bots/basic_batch");
        ids.iter().fold(request, |request, id| request.query("bot_ids", id))
    };
    let reply = names(&[&helper, &own, &helper]).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let data = reply.data();
    let bot =
        json!({"bot_id": helper, "name": "Helper", "i18n_names": {"zh_cn": "Helper", "en_us": "Helper"}});
    assert_eq!((&data["bots"][&helper], &data["failed_bots"]), (&bot, &json!({})));
    assert_eq!(data["bots"].as_object().expect("a map").len(), 2);
    assert_eq!(data["bots"][&own]["bot_id"], json!(own));

    // An id that only the other app sees names no bot here; nor does a user's id, nor an invalid one.
    let themselves = world.call("GET", "/bot/v3/info").token(&theirs).send().await;
    let foreign = text(&themselves.json()["bot"], "open_id");
    assert_ne!(foreign, helper);
    let failed = json!({"code": 20002, "reason": "bot not found"});
    let data = names(&[&foreign, &world.users[0].open_id, "x"]).send().await.data();
    assert_eq!(data["bots"], json!({}));
    let all = json!({"x": failed, foreign.as_str(): failed, world.users[0].open_id.as_str(): failed});
    assert_eq!(data["failed_bots"], all);
    world.set_app(&other, json!({"bot": false})).await;
    assert_eq!(names(&[&helper]).send().await.data()["failed_bots"][&helper], failed);
    world.set_app(&other, json!({"bot": true, "status": "disabled"})).await;
    assert_eq!(names(&[&helper]).send().await.data()["failed_bots"][&helper], failed);

    let many: Vec<String> = (0..51).map(|n| format!("ou_{n:032x}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for wrong in [&[][..], &many] {
        let reply = names(wrong).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), ["bot_ids"]);
    }
    assert_eq!(names(&many[..50]).send().await.data()["failed_bots"].as_object().expect("a map").len(), 50);
}
