use larkspur_contract::Basis::Documented;
use larkspur_contract::ids::MenuId;
use larkspur_contract::model::MenuField;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes,
};
use larkspur_store::{Tx, menus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::operations::im::v1::chat_menu_tree::draft::Change;
use crate::operations::im::v1::chat_menu_tree::{self, MenuItem};
use crate::operations::im::v1::image::is_own_icon;
use crate::{Call, Empty, Input, Operation, rules};

/// `PATCH /im/v1/chats/:chat_id/menu_items/:menu_item_id`
pub(crate) struct Patch;

/// An item of a chat's menu.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The chat.
    chat_id: String,
    /// The item, at either level.
    menu_item_id: String,
}

/// What to change.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The parts to change.
    #[schemars(length(min = 1))]
    update_fields: Vec<MenuField>,
    /// Their new values; other parts are ignored.
    chat_menu_item: Change,
}

/// The item after the change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// The item.
    chat_menu_item: MenuItem,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_menu_item.patch",
        summary: "Change an item of the menu of a chat",
        reference: "im-v1/chat-menu_item/patch",
        route: patch("/open-apis/im/v1/chats/{chat_id}/menu_items/{menu_item_id}"),
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
            codes::MENU_BUSY,
            codes::MENU_ILLEGAL,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::TENANT_MISMATCH, codes::TOKEN_LACKS_PERMISSION),
        ],
        emits: &[],
        example: r#"{"update_fields":["NAME"],"chat_menu_item":{"name":"Wiki"}}"#,
        behaviours: &[chat_menu_tree::ORDER, chat_menu_tree::MANAGE, chat_menu_tree::ITEMS, NAMED, LIMITER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let (path, body) = (&input.path, &input.body);
        let chat = chat_menu_tree::lock(tx, call, &path.chat_id, codes::PARAM_INVALID).await?;
        busy::edit_menu(tx, call, &chat).await?;
        let present = menus::list(tx, chat.chat_id).await?;
        let asked = MenuId::parse(&path.menu_item_id);
        let found = present.iter().find(|placed| Some(placed.menu_id) == asked).ok_or_else(|| {
            Fault::new(codes::PARAM_INVALID, "the chat has no such menu item").with_violation(
                "menu_item_id",
                Some(&path.menu_item_id),
                "no such item",
            )
        })?;
        let names = body.update_fields.contains(&MenuField::Name);
        if let Some(name) = body.chat_menu_item.name.as_deref().filter(|_| names) {
            rules::menus::name_fits("chat_menu_item.name", name)?;
        }
        let new = body.chat_menu_item.item(found.item.action);
        let item = rules::menus::changed(&found.item, &body.update_fields, &new);
        if names {
            rules::menus::is_named(&item)?;
        }
        let has_children = present.iter().any(|placed| placed.parent == Some(found.menu_id));
        rules::menus::is_legal(&item, has_children)?;
        let new_icon = body.update_fields.contains(&MenuField::Icon) && !item.image_key.is_empty();
        if new_icon && !is_own_icon(tx, call, &item.image_key).await? {
            let why = "the icon is not an image of type message that this app uploaded";
            return Err(Fault::new(codes::MENU_ILLEGAL, why));
        }
        menus::update(tx, &chat, found.menu_id, &item).await?;
        Ok(Answer { chat_menu_item: chat_menu_tree::show(item) })
    }
}

const NAMED: Behaviour = Behaviour {
    name: "menu_patch_fields",
    rule: "Only the parts in update_fields are checked and changed; action_type is optional and never changes. In addition to the page: a part that is named but absent is cleared; a name, and the link of a REDIRECT_LINK item, cannot be cleared (232078). A name that is not 1 to 120 characters long is 232001. An icon that the app did not upload is 232078, since the page does not list 232056. An unknown menu_item_id is 232001.",
    basis: Documented,
    switch: false,
};
