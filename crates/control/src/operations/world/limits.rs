use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::{Root, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/limits`
pub(crate) struct SetLimits;

/// Limits set by the world's administrators. An absent limit is reset to the platform's own.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Limits {
    /// The most users of one chat.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_users: Option<i64>,
}

impl Operation for SetLimits {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.limits",
        summary: "Limit the chats of a world, as its administrators would",
        route: put("/larkspur/v1/worlds/{tenant_key}/limits"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"chat_users":100}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Limits;
    type Output = Limits;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Limits, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat_users = input.body.chat_users;
        limits::set_chat_users(&mut tx, chat_users).await?;
        Ok(Limits { chat_users })
    }
}
