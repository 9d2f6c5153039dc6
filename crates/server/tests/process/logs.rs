//! Log lines of the real program, and the names of their fields.

use serde_json::{Value, json};

use crate::support::program::{CONTROL_KEY, Program};

/// The lines of calls of an operation.
fn lines_of(log: &str, operation: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["operation"] == operation).collect()
}

#[test]
fn a_refusal_says_whom_it_is_about_and_what_they_are() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = Program::start(&directory.path().join("data"));
    let ready = program.ready.clone();
    let mut client = program.client();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let world = format!("/larkspur/v1/worlds/{}", text(&ready["tenant_key"]));
    let (resigned, unseen) = (&ready["users"][1], &ready["users"][2]);
    let mut send = |token: &str, method: &str, path: &str, body: Value| {
        client.send(token, method, path, &body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    };
    let secret = json!({"app_id": ready["app_id"], "app_secret": ready["app_secret"]});
    let signed_in = send("", "POST", "/open-apis/auth/v3/tenant_access_token/internal", secret).1;
    let token = text(&signed_in["tenant_access_token"]);
    let chat = send(&token, "POST", "/open-apis/im/v1/chats", json!({"name": "a chat"})).1;
    let members = format!("/open-apis/im/v1/chats/{}/members", text(&chat["data"]["chat_id"]));
    let control = |path: &str| format!("{world}{path}");
    let user = control(&format!("/users/{}", text(&resigned["user_id"])));
    assert_eq!(send(CONTROL_KEY, "PATCH", &user, json!({"status": "resigned"})).1["code"], 0);
    let app = control(&format!("/apps/{}", text(&ready["app_id"])));
    let limited = json!({"visible_to": [ready["users"][0]["user_id"]]});
    assert_eq!(send(CONTROL_KEY, "PUT", &app, limited).1["code"], 0);
    let both = json!({"id_list": [resigned["open_id"], unseen["open_id"]]});
    let refused = send(&token, "POST", &format!("{members}?succeed_type=2"), both).1;
    assert_ne!(refused["code"], 0, "{refused}");
    let removed = send(&token, "DELETE", &members, json!({"id_list": [unseen["open_id"]]})).1;
    assert_ne!(removed["code"], 0, "{removed}");
    assert_eq!(send(CONTROL_KEY, "PUT", &app, json!({"scope": []})).1["code"], 5275400);
    let poor = json!({"scopes": []});
    assert_eq!(send(CONTROL_KEY, "PUT", &app, poor).1["code"], 0);
    assert_ne!(send(&token, "GET", &members, Value::Null).1["code"], 0);
    let planned = control("/refusals/bot.v3.info");
    assert_eq!(send(CONTROL_KEY, "PUT", &planned, json!({"code": 2200})).1["code"], 0);
    assert_eq!(send(&token, "GET", "/open-apis/bot/v3/info", Value::Null).1["code"], 2200);
    let later = send("t-nothing", "GET", "/open-apis/minutes/v1/minutes/x", Value::Null);
    assert_eq!((later.0, &later.1["code"]), (501, &json!(5275501)));

    let log = program.log();
    let one = |operation: &str| {
        let lines = lines_of(&log, operation);
        let [line] = lines.as_slice() else { panic!("not one line of {operation}: {log}") };
        for name in ["log_id", "tenant", "app_id", "token", "code", "duration_ms", "why"] {
            assert!(!line[name].is_null(), "{name} is not in {line}");
        }
        (line.clone(), text(&line["why"]))
    };
    let (line, why) = one("im.v1.chat_members.create");
    assert_eq!((&line["level"], &line["tenant"]), (&json!("INFO"), &ready["tenant_key"]));
    assert_eq!((&line["app_id"], &line["log_id"]), (&ready["app_id"], &refused["error"]["log_id"]));
    let (first, second) = (text(&resigned["open_id"]), text(&unseen["open_id"]));
    assert!(why.contains(&format!("{first} has resigned, {second} does not see the app")), "{why}");
    assert!(one("im.v1.chat_members.delete").1.contains(&format!("not in the chat: {second}")));
    assert!(one("im.v1.chat_members.get").1.contains("any of these scopes suffices: im:chat"), "{log}");
    let (line, why) = one("larkspur.v1.app.update");
    assert_eq!((&line["tenant"], &line["app_id"]), (&ready["tenant_key"], &ready["app_id"]), "{line}");
    assert_eq!(
        (&line["token"], &*why),
        (&json!("control"), "scope: no such field; did you mean \"scopes\"?")
    );
    assert_eq!(one("bot.v3.info").0["level"], "INFO", "a planned refusal is no error");
    let unserved = lines_of(&log, "minutes.v1.minute.get");
    assert_eq!((unserved.len(), &unserved[0]["level"]), (1, &json!("WARN")));
    for kept in [&token, &text(&ready["app_secret"]), CONTROL_KEY, "t-nothing"] {
        assert!(!log.contains(kept), "{kept} is in the log");
    }
}
