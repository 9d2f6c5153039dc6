use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::{Tx, members};

use super::{Body, Managers, Query};
use crate::busy::LIMITER;
use crate::operations::im::v1::ChatPath;
use crate::operations::im::v1::chat_members::people;
use crate::people::People;
use crate::rules;
use crate::{Call, Input, Operation};

/// `POST /im/v1/chats/:chat_id/managers/add_managers`
pub(super) struct AddManagers;

impl Operation for AddManagers {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_managers.add_managers",
        summary: "Add managers of a group",
        reference: "im-v1/chat-managers/add_managers",
        route: post("/open-apis/im/v1/chats/{chat_id}/managers/add_managers"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_MANAGERS_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: super::CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"manager_ids":["{open_id}"]}"#,
        behaviours: &[LIMITER, super::OWNER, super::ITSELF, super::IDS, super::SUPERGROUP],
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
        let mut managers = members::managers(tx, order.chat.chat_id).await?;
        managers.extend(
            order.members.iter().filter(|member| !managers.contains(member)).cloned().collect::<Vec<_>>(),
        );
        rules::members::managers_fit(&order.chat, managers.len())?;
        members::set_managers(tx, &order.chat, &order.members, true).await?;
        super::show(tx, call, order.chat.chat_id, order.form).await
    }
}
