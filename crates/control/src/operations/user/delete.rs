use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::chats::{self, Member};
use larkspur_store::{Root, Tx, pending, user_deletion};

use super::Path;
use crate::operations::CONTROL;
use crate::operations::chat::leaving;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/users/:user_id`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.user.delete",
        summary: "Delete a user",
        route: delete("/larkspur/v1/worlds/{tenant_key}/users/{user_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[LEAVES],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let user = support::user(&mut tx, "user_id", &input.path.user_id).await?;
        let member = Member::User(user.user_id.clone());
        leave_all(&mut tx, &member).await?;
        user_deletion::close(&mut tx, &user).await?;
        // Chats that the user joined in the meantime.
        leave_all(&mut tx, &member).await?;
        user_deletion::delete(&mut tx, &user).await?;
        Ok(Empty {})
    }
}

async fn leave_all(tx: &mut Tx, member: &Member) -> Result<(), Fault> {
    for chat_id in user_deletion::chats_of(tx, member).await? {
        if let Some(chat) = chats::lock(tx, chat_id).await? {
            pending::remove(tx, &chat, member).await?;
            leaving::leave(tx, &chat, member).await?;
        }
    }
    Ok(())
}

const LEAVES: Behaviour = Behaviour {
    name: "deleted_users",
    rule: "A deleted user leaves every chat and every document. A chat that the user owned goes to the user who joined first, otherwise to the bot that joined first. A chat that is then empty, and every p2p chat of the user, is dissolved. No app is told. Access tokens are refused with 99991668, codes and refresh tokens with 20008.",
    basis: Assumed,
    switch: false,
};
