use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::MenuId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes,
};
use larkspur_store::{Tx, menus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/chats/:chat_id/menu_tree`
pub(super) struct Delete;

/// The items.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Their ids, all of top-level items.
    #[schemars(length(min = 1))]
    chat_menu_top_level_ids: Vec<String>,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_menu_tree.delete",
        summary: "Delete items of the menu of a chat, with their children",
        reference: "im-v1/chat-menu_tree/delete",
        route: delete("/open-apis/im/v1/chats/{chat_id}/menu_tree"),
        access: Access::tenant(&[scopes::IM_CHAT, scopes::IM_CHAT_MENU_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::CHAT_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TOKEN_LACKS_PERMISSION,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::NO_WIDGET_PERMISSION,
            codes::MENU_BUSY,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::TENANT_MISMATCH, codes::TOKEN_LACKS_PERMISSION),
        ],
        emits: &[],
        example: r#"{"chat_menu_top_level_ids":["7000000000000000000"]}"#,
        behaviours: &[super::ORDER, super::MANAGE, WHICH, LIMITER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let chat = super::lock(tx, call, &input.path.chat_id, codes::CHAT_TYPE_UNSUPPORTED).await?;
        busy::edit_menu(tx, call, &chat).await?;
        let mut present = menus::list(tx, chat.chat_id).await?;
        let tops = super::tops(&present);
        for asked in &input.body.chat_menu_top_level_ids {
            let id = MenuId::parse(asked).filter(|id| tops.contains(id)).ok_or_else(|| {
                Fault::new(codes::PARAM_INVALID, "the chat has no such top-level item").with_violation(
                    "chat_menu_top_level_ids[*]",
                    Some(asked),
                    "no such item",
                )
            })?;
            menus::delete(tx, &chat, id).await?;
            present.retain(|placed| placed.menu_id != id && placed.parent != Some(id));
        }
        Ok(super::show_all(present))
    }
}

const WHICH: Behaviour = Behaviour {
    name: "menu_delete_ids",
    rule: "An id that is not a top-level item of the chat, or an empty list, is 232001 and nothing is deleted. A repeated id counts once.",
    basis: Assumed,
    switch: false,
};
