//! Custom bots of the chats of a world.

use larkspur_api::RootCall;
use larkspur_contract::{Fault, codes};
use larkspur_store::Tx;
use larkspur_store::hooks::Hook;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) mod create;
pub(super) mod delete;
pub(super) mod list;

/// A chat of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The chat.
    chat_id: String,
}

/// A custom bot.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its id.
    hook_id: String,
    /// Its name.
    name: String,
    /// The URL to post to, on this server. Every caller that knows it can post.
    url: String,
    /// The id that its messages have as their sender.
    app_id: String,
    /// The secret of its signature; absent if messages need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Words of which a message contains at least one; empty for any message.
    keywords: Vec<String>,
    /// Addresses that messages may come from; empty for any.
    addresses: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    created_at_ms: i64,
}

fn show(tx: &Tx, call: &RootCall, hook: Hook) -> Result<Shown, Fault> {
    let keys = &call.engine.keys;
    let secret = match hook.secret.is_empty() {
        true => None,
        false => Some(
            keys.open(&hook.secret)
                .ok_or_else(|| Fault::new(codes::INTERNAL, "the secret of a custom bot cannot be read"))?,
        ),
    };
    let token = keys.hook_token(hook.hook_no, tx.tenant());
    Ok(Shown {
        hook_id: hook.hook_no.to_string(),
        name: hook.name,
        url: format!("{}/open-apis/bot/v2/hook/{token}", call.origin),
        app_id: hook.shown_as.to_string(),
        secret,
        keywords: hook.keywords,
        addresses: hook.addresses,
        created_at_ms: hook.created_at,
    })
}
