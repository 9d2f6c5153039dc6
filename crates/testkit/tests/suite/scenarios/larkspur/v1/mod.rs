//! `/larkspur/v1`: the operations that create and change worlds.

mod app;
mod chat;
mod chat_tabs;
mod click;
mod clones;
mod console;
mod document;
mod event;
mod event_check;
mod event_get;
mod every_operation;
mod explained;
mod fault;
mod hook;
mod image;
mod names;
mod recorded;
mod refusal;
mod seed;
mod snapshot_bounds;
mod snapshots;
mod stream;
mod talk;
mod traffic;
mod user;
mod user_delete;
mod view;
mod world;

use larkspur_testkit::{Reply, World};
use serde_json::Value;

/// A refusal of the control API: its HTTP status is its code's last three digits, and it names the field.
#[track_caller]
fn declined(reply: &Reply, code: u32, field: &str) {
    let json = reply.refused(code);
    assert_eq!(u32::from(reply.status()), code % 1000, "{json}");
    assert_eq!(reply.violated(), [field], "{json}");
}

async fn get(world: &World, path: &str) -> Value {
    world.control("GET", path).send().await.data()
}
