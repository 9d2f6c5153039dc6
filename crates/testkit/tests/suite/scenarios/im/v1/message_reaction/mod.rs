//! `im/v1/messages/:message_id/reactions`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::message::{recall, said, send, tell};
use crate::scenarios::text;

mod heard;
mod reads;
mod standing;
mod writes;

fn reactions(message_id: &str) -> String {
    format!("/im/v1/messages/{message_id}/reactions")
}

fn react(world: &World, message_id: &str, emoji: &str) -> Request {
    let body = json!({"reaction_type": {"emoji_type": emoji}});
    world.call("POST", &reactions(message_id)).body(body)
}

/// Reacts with a token; the reaction's id.
async fn reacted(world: &World, token: &str, message_id: &str, emoji: &str) -> String {
    text(&react(world, message_id, emoji).token(token).send().await.data(), "reaction_id")
}

fn unreact(world: &World, message_id: &str, reaction_id: &str) -> Request {
    world.call("DELETE", &format!("{}/{reaction_id}", reactions(message_id)))
}

fn list(world: &World, message_id: &str) -> Request {
    world.call("GET", &reactions(message_id))
}

fn batch(world: &World, body: Value) -> Request {
    world.call("POST", "/im/v1/messages/reactions/batch_query").body(body)
}

/// The emoji of a list, with the ids of those who reacted.
fn shown(data: &Value) -> Vec<(String, String)> {
    let one =
        |item: &Value| (text(&item["reaction_type"], "emoji_type"), text(&item["operator"], "operator_id"));
    data["items"].as_array().expect("items").iter().map(one).collect()
}
