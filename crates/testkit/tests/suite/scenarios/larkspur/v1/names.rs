//! Length limits of names in the control API.

use serde_json::{Value, json};

use crate::scenarios::{text, world};

/// A text of this many two-byte characters.
fn long(length: usize) -> String {
    "\u{e9}".repeat(length)
}

/// Method, path, field, a body whose field has this length, and the limit.
type Case<'a> = (&'a str, &'a str, &'a str, Box<dyn Fn(usize) -> Value>, usize);

#[tokio::test]
async fn names_have_an_end() {
    let world = world().await;
    let chat = format!("/chats/{}", world.chat_id);
    let user = format!("/users/{}", world.users[0].user_id);
    let tabs = |name: usize, target: usize| {
        let tab = json!({"tab_type": "url", "tab_name": long(name), "target": format!("https://a.example/{}", "x".repeat(target))});
        json!({"tabs": [tab]})
    };
    let cases: Vec<Case<'_>> = vec![
        ("POST", "/users", "name", Box::new(|n| json!({"name": long(n)})), 255),
        ("POST", "/users", "email", Box::new(|n| json!({"email": long(n)})), 254),
        ("POST", "/users", "mobile", Box::new(|n| json!({"mobile": long(n)})), 32),
        ("PATCH", &user, "name", Box::new(|n| json!({"name": long(n)})), 255),
        ("PATCH", &user, "email", Box::new(|n| json!({"email": long(n)})), 254),
        ("PATCH", &user, "mobile", Box::new(|n| json!({"mobile": long(n)})), 32),
        ("POST", "/apps", "name", Box::new(|n| json!({"name": long(n)})), 255),
        ("POST", "/documents", "title", Box::new(|n| json!({"title": long(n)})), 800),
        ("POST", "/chats", "name", Box::new(|n| json!({"name": long(n)})), 1000),
        ("POST", "/chats", "description", Box::new(|n| json!({"description": long(n)})), 10_000),
        ("POST", "/chats", "tabs[*].tab_name", Box::new(move |n| tabs(n, 0)), 255),
        ("POST", "/chats", "tabs[*].target", Box::new(move |n| tabs(1, n - 18)), 4096),
        ("PATCH", &chat, "name", Box::new(|n| json!({"name": long(n)})), 1000),
        ("PATCH", &chat, "description", Box::new(|n| json!({"description": long(n)})), 10_000),
    ];
    for (method, path, field, body, most) in cases {
        world.control(method, path).body(body(most)).send().await.data();
        let reply = world.control(method, path).body(body(most + 1)).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), [field], "{method} {path}: {}", reply.text());
    }
    let made = |length| world.lab.control("POST", "/worlds").body(json!({"name": long(length)})).send();
    let kept = made(255).await.data();
    let shown =
        world.lab.control("GET", &format!("/worlds/{}", text(&kept, "tenant_key"))).send().await.data();
    assert_eq!(shown["name"], long(255));
    let reply = made(256).await;
    reply.refused(5275400);
    assert_eq!(reply.violated(), ["name"]);

    let path = format!("/apps/{}/sign_in", world.app_id);
    let uri = |length: usize| json!({"redirect_uris": [format!("http://a/{}", "x".repeat(length - 9))]});
    world.control("PUT", &path).body(uri(2048)).send().await.data();
    let reply = world.control("PUT", &path).body(uri(2049)).send().await;
    reply.refused(5275400);
    assert_eq!(reply.violated(), ["redirect_uris[*]"]);
}
