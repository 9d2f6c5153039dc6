//! What a user does with a chat in the client, as the control API does it.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::Behaviour;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who does something in the client.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ClientQuery {
    /// The user_id of the user who does it in the client. Without it, no app is told.
    pub(super) r#as: Option<String>,
}

/// Of which changes apps are told.
pub(super) const AS: Behaviour = Behaviour {
    name: "control_as",
    rule: "Without `as` no app is told, so that tests build their state without events. With `as` it is as if this user did it in the client: apps are told. The user must be active and in the chat; whether the user may do it is not checked.",
    basis: Assumed,
    switch: false,
};

/// Who approves a request to join.
pub(super) const APPROVED: Behaviour = Behaviour {
    name: "control_approval",
    rule: "Apps are told that the user or bot was added, by the owner of the chat; if it has none, by the new member itself.",
    basis: Assumed,
    switch: false,
};

/// Apps are not told of a new chat.
pub(super) const SILENT: Behaviour = Behaviour {
    name: "control_chat_create",
    rule: "No app is told of a chat that is created here, nor of its first members.",
    basis: Assumed,
    switch: false,
};
