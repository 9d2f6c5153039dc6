use larkspur_contract::Basis::Documented;
use larkspur_contract::ids::MenuId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, menus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, rules};

/// `POST /im/v1/chats/:chat_id/menu_tree/sort`
pub(super) struct Sort;

/// The new order.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The ids of all top-level items.
    chat_menu_top_level_ids: Vec<String>,
}

impl Operation for Sort {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_menu_tree.sort",
        summary: "Sort the top level of the menu of a chat",
        reference: "im-v1/chat-menu_tree/sort",
        route: post("/open-apis/im/v1/chats/{chat_id}/menu_tree/sort"),
        access: Access::tenant(&[scopes::IM_CHAT, scopes::IM_CHAT_MENU_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::CHAT_DISSOLVED,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TOKEN_LACKS_PERMISSION,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::NO_WIDGET_PERMISSION,
            codes::MENU_SORT_INVALID,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::TENANT_MISMATCH, codes::TOKEN_LACKS_PERMISSION),
        ],
        emits: &[],
        example: r#"{"chat_menu_top_level_ids":[]}"#,
        behaviours: &[super::ORDER, super::MANAGE, WHOLE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let chat = super::lock(tx, call, &input.path.chat_id, codes::PARAM_INVALID).await?;
        let mut present = menus::list(tx, chat.chat_id).await?;
        let tops = super::tops(&present);
        let asked: Option<Vec<MenuId>> =
            input.body.chat_menu_top_level_ids.iter().map(|id| MenuId::parse(id)).collect();
        let order = asked.filter(|asked| rules::menus::is_order(&tops, asked)).ok_or_else(|| {
            Fault::new(codes::MENU_SORT_INVALID, "the ids are not an order of the chat's top level")
        })?;
        for (position, id) in order.iter().enumerate() {
            menus::place(tx, &chat, *id, position).await?;
        }
        present.sort_by_key(|placed| order.iter().position(|id| *id == placed.menu_id));
        Ok(super::show_all(present))
    }
}

const WHOLE: Behaviour = Behaviour {
    name: "menu_sort_ids",
    rule: "The list must have every top-level item once and nothing else; otherwise 232072.",
    basis: Documented,
    switch: false,
};
