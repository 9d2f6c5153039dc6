use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::{Tx, members};

use super::{Body, Managers, Query};
use crate::busy::LIMITER;
use crate::operations::im::v1::ChatPath;
use crate::operations::im::v1::chat_members::people;
use crate::people::People;
use crate::{Call, Input, Operation};

/// `POST /im/v1/chats/:chat_id/managers/delete_managers`
pub(super) struct DeleteManagers;

impl Operation for DeleteManagers {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_managers.delete_managers",
        summary: "Remove managers of a group",
        reference: "im-v1/chat-managers/delete_managers",
        route: post("/open-apis/im/v1/chats/{chat_id}/managers/delete_managers"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_MANAGERS_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: super::DISMISS,
        recodes: &[],
        emits: &[],
        example: r#"{"manager_ids":["{open_id}"]}"#,
        behaviours: &[LIMITER, super::OWNER, super::ITSELF, super::IDS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Body;
    type Output = Managers;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        people("manager_ids[*]", &input.body.manager_ids, input.query.member_id_type)
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Managers, Fault> {
        let order = super::order(tx, call, &input.path.chat_id, &input.query, &input.body).await?;
        members::set_managers(tx, &order.chat, &order.members, false).await?;
        super::show(tx, call, order.chat.chat_id, order.form).await
    }
}
