//! `POST /im/v2/url_previews/batch_update`

use serde_json::json;

use crate::scenarios::{refused_as, world};

#[tokio::test]
async fn previews_are_updated() {
    let world = world().await;
    let update = |body| world.call("POST", "/im/v2/url_previews/batch_update").body(body);
    let one = &world.users[0].open_id;
    for body in [
        json!({"preview_tokens": ["a"]}),
        json!({"preview_tokens": vec!["a"; 10], "open_ids": []}),
        json!({"preview_tokens": ["a"], "open_ids": vec![one; 100]}),
    ] {
        let reply = update(body).send().await;
        assert_eq!(reply.json(), json!({"code": 0, "data": {}, "msg": "success"}));
    }
    for body in [
        json!({}),
        json!({"preview_tokens": []}),
        json!({"preview_tokens": [""]}),
        json!({"preview_tokens": vec!["a"; 11]}),
        json!({"preview_tokens": ["a"], "open_ids": vec![one; 101]}),
        json!({"preview_tokens": ["a"], "open_ids": ["ou_x"]}),
    ] {
        refused_as(&update(body).send().await, 230001, "param is invalid");
    }
}
