use larkspur_contract::model::UrgentKind;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes};
use larkspur_store::Tx;

use super::MessagePath;
use crate::messages::urging::{self, Body, Output, Query};
use crate::messages::{finding, standing};
use crate::{Call, Input, Operation};

/// `PATCH /im/v1/messages/:message_id/urgent_app`
pub(super) struct UrgentApp;

impl Operation for UrgentApp {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.urgent_app",
        summary: "Tell people urgently of a message, in the client",
        reference: "im-v1/buzz-messages/urgent_app",
        route: patch("/open-apis/im/v1/messages/{message_id}/urgent_app"),
        access: Access::tenant(&[scopes::IM_MESSAGE_URGENT, scopes::IM_MESSAGE_URGENT_APP]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: urging::CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"user_id_list":["{open_id}"]}"#,
        behaviours: &[standing::ORDER, finding::UNKNOWN, urging::URGING],
        deviations: &[urging::SILENT],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (form, ids) = (input.query.user_id_type, &input.body.user_id_list);
        urging::urge(tx, call, UrgentKind::App, &input.path.message_id, form, ids).await
    }
}
