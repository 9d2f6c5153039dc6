use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;

use super::Answer;
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, rules, standing};

/// `GET /im/v1/chats/:chat_id/menu_tree`
pub(super) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_menu_tree.get",
        summary: "Get the menu of a chat",
        reference: "im-v1/chat-menu_tree/get",
        route: get("/open-apis/im/v1/chats/{chat_id}/menu_tree"),
        access: Access::tenant(&[scopes::IM_CHAT, scopes::IM_CHAT_MENU_READ, scopes::IM_CHAT_READONLY])
            .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TOKEN_LACKS_PERMISSION,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::TENANT_MISMATCH, codes::TOKEN_LACKS_PERMISSION),
            (codes::CHAT_DISSOLVED, codes::OPERATOR_NOT_IN_CHAT),
        ],
        emits: &[],
        example: "",
        behaviours: &[super::ORDER, DISSOLVED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let (chat, _) = standing::member_of(tx, call, &input.path.chat_id).await?;
        rules::menus::mode_has_menus(&chat, codes::PARAM_INVALID)?;
        Ok(super::all(tx, chat.chat_id).await?)
    }
}

const DISSOLVED: Behaviour = Behaviour {
    name: "menu_get_dissolved",
    rule: "A dissolved chat is 232011, since the page does not list 232009.",
    basis: Assumed,
    switch: false,
};
