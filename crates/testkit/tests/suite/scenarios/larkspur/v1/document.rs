//! Documents.

use serde_json::json;

use super::get;
use crate::scenarios::world;

#[tokio::test]
async fn documents() {
    let world = world().await;
    let made = world
        .control("POST", "/documents")
        .body(
            json!({"token": "shtcn_1-A", "doc_type": "sheet", "title": "t", "owner": world.users[0].user_id}),
        )
        .send()
        .await
        .data();
    assert_eq!(
        made,
        json!({
            "token": "shtcn_1-A", "doc_type": "sheet", "url": "https://larkspur.feishu.cn/sheets/shtcn_1-A", "title": "t",
            "owner": world.users[0].user_id, "deleted": false, "collaborators": []
        })
    );
    let path = "/documents/shtcn_1-A";
    let put = async |member: &str, perm: &str| {
        let body = json!({"member": member, "perm": perm});
        world.control("PUT", &format!("{path}/collaborators")).body(body).send().await.data()
    };
    for member in [&world.app_id, &world.chat_id, &world.users[1].user_id] {
        put(member, "view").await;
    }
    let shown = put(&world.app_id, "edit").await;
    assert_eq!(shown["collaborators"].as_array().expect("a list").len(), 3);
    assert!(
        shown["collaborators"]
            .as_array()
            .expect("a list")
            .contains(&json!({"member": world.app_id, "perm": "edit"}))
    );
    assert_eq!(get(&world, path).await, shown);
    for deleted in [true, false] {
        let shown = world.control("PATCH", path).body(json!({"deleted": deleted})).send().await.data();
        assert_eq!(shown["deleted"], deleted);
    }
    let plain = world.control("POST", "/documents").send().await.data();
    assert!(plain.get("owner").is_none() && plain["doc_type"] == "docx", "{plain}");
}
