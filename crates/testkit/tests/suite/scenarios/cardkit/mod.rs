//! `cardkit`.

mod v1 {
    mod card;
    mod card_element;
    mod messages;
    mod refusals;

    use larkspur_testkit::{Lab, Reply, Request, World};
    use serde_json::{Value, json};

    /// A world with a card entity.
    pub(super) struct Kit {
        pub(super) world: World,
        pub(super) card_id: String,
    }

    impl Kit {
        pub(super) async fn new() -> Kit {
            let world = Lab::start().await.world().await;
            let card_id = create(&world, &card()).await;
            Kit { world, card_id }
        }

        /// A call on the entity; `path` is what its path ends with.
        pub(super) fn call(&self, method: &str, path: &str, body: Value) -> Request {
            self.world.call(method, &format!("/cardkit/v1/cards/{}{path}", self.card_id)).body(body)
        }

        pub(super) fn settings(&self, settings: &Value, sequence: i64) -> Request {
            self.call("PATCH", "/settings", json!({"settings": settings.to_string(), "sequence": sequence}))
        }

        pub(super) fn stream(&self, element: &str, content: &str, sequence: i64) -> Request {
            let path = format!("/elements/{element}/content");
            self.call("PUT", &path, json!({"content": content, "sequence": sequence}))
        }

        pub(super) fn batch(&self, actions: &Value, sequence: i64) -> Request {
            self.call("POST", "/batch_update", json!({"actions": actions.to_string(), "sequence": sequence}))
        }

        pub(super) fn add(&self, kind: &str, target: &str, elements: &Value, sequence: i64) -> Request {
            let body = json!({"type": kind, "target_element_id": target, "elements": elements.to_string(), "sequence": sequence});
            self.call("POST", "/elements", body)
        }

        pub(super) fn replace(&self, id: &str, element: &Value, sequence: i64) -> Request {
            let body = json!({"element": element.to_string(), "sequence": sequence});
            self.call("PUT", &format!("/elements/{id}"), body)
        }

        pub(super) fn patch(&self, id: &str, properties: &Value, sequence: i64) -> Request {
            let body = json!({"partial_element": properties.to_string(), "sequence": sequence});
            self.call("PATCH", &format!("/elements/{id}"), body)
        }

        pub(super) fn delete(&self, id: &str, sequence: i64) -> Request {
            self.call("DELETE", &format!("/elements/{id}"), json!({"sequence": sequence}))
        }

        pub(super) fn update(&self, card: &Value, sequence: i64) -> Request {
            let body = json!({"card": {"type": "card_json", "data": card.to_string()}, "sequence": sequence});
            self.call("PUT", "", body)
        }

        /// Each operation that changes the entity, with a body that works.
        pub(super) fn changes(&self, sequence: i64) -> [Request; 8] {
            let text = json!({"content": "new"});
            let actions = json!([{"action": "partial_update_element", "params": {"element_id": "a", "partial_element": text}}]);
            [
                self.settings(&json!({"config": {"streaming_mode": true}}), sequence),
                self.batch(&actions, sequence),
                self.add("append", "", &json!([{"tag": "hr"}]), sequence),
                self.replace("a", &json!({"tag": "markdown", "content": "new"}), sequence),
                self.patch("a", &text, sequence),
                self.stream("a", "new", sequence),
                self.delete("b", sequence),
                self.update(&card(), sequence),
            ]
        }

        /// The JSON of the entity.
        pub(super) async fn content(&self) -> Value {
            let (tenant, _) = self.world.keys();
            let id = self.card_id.clone();
            let reading = self.world.lab.app.engine().run(larkspur_contract::Effect::Reads, move |root| {
                let (mut tx, id) = (root.tenant(tenant), id.clone());
                Box::pin(async move { larkspur_api::cards::current(&mut tx, &id).await })
            });
            let content = reading.await.expect("a transaction").expect("a card");
            serde_json::from_str(&content).expect("JSON")
        }
    }

    /// A card into which text is streamed.
    pub(super) fn card() -> Value {
        json!({"schema": "2.0", "config": {"streaming_mode": true}, "body": {"elements": [
            {"tag": "markdown", "element_id": "a", "content": "one"},
            {"tag": "hr", "element_id": "b"},
        ]}})
    }

    pub(super) fn creating(world: &World, data: &str) -> Request {
        world.call("POST", "/cardkit/v1/cards").body(json!({"type": "card_json", "data": data}))
    }

    pub(super) async fn create(world: &World, card: &Value) -> String {
        let data = creating(world, &card.to_string()).send().await.data();
        data["card_id"].as_str().expect("a card_id").to_owned()
    }

    /// Sends a card as a message to the world's chat.
    pub(super) fn send(world: &World, content: &Value) -> Request {
        let body =
            json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": content.to_string()});
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
    }

    /// Sends the entity as a message.
    pub(super) fn show(kit: &Kit) -> Request {
        send(&kit.world, &json!({"type": "card", "data": {"card_id": kit.card_id}}))
    }

    /// The JSON of the card that a message shows.
    pub(super) async fn shown(world: &World, message_id: &str) -> Value {
        let path = format!("/im/v1/messages/{message_id}?card_msg_content_type=user_card_content");
        let data = world.call("GET", &path).send().await.data();
        serde_json::from_str(data["items"][0]["body"]["content"].as_str().expect("content")).expect("JSON")
    }

    pub(super) fn done(reply: &Reply) {
        assert_eq!(reply.json(), json!({"code": 0, "msg": "success", "data": {}}));
    }
}
