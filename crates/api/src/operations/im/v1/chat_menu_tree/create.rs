use larkspur_contract::ids::MenuId;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::menus::{self, Item, Placed};
use larkspur_store::{LockedChat, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Answer;
use super::draft::{Child, Top};
use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::operations::im::v1::image::is_own_icon;
use crate::{Call, Empty, Input, Operation, rules};

/// `POST /im/v1/chats/:chat_id/menu_tree`
pub(super) struct Create;

/// What to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The items.
    menu_tree: TreeDraft,
}

/// Items to add, with their children.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct TreeDraft {
    /// The top-level items.
    #[schemars(length(min = 1))]
    chat_menu_top_levels: Vec<TopDraft>,
}

/// A top-level item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct TopDraft {
    /// Its content.
    chat_menu_item: Top,
    /// Its children.
    #[serde(default)]
    children: Vec<SecondDraft>,
}

/// A second-level item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct SecondDraft {
    /// Its content.
    chat_menu_item: Child,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_menu_tree.create",
        summary: "Add items to the menu of a chat",
        reference: "im-v1/chat-menu_tree/create",
        route: post("/open-apis/im/v1/chats/{chat_id}/menu_tree"),
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
            codes::NOT_IMAGE_OWNER,
            codes::MENU_TOP_LIMIT,
            codes::MENU_SECOND_LIMIT,
            codes::MENU_BUSY,
            codes::MENU_ILLEGAL,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::TENANT_MISMATCH, codes::TOKEN_LACKS_PERMISSION),
        ],
        emits: &[],
        example: r#"{"menu_tree":{"chat_menu_top_levels":[{"chat_menu_item":{"action_type":"REDIRECT_LINK","name":"Wiki","redirect_link":{"common_url":"https://example.com"}}}]}}"#,
        behaviours: &[super::ORDER, super::MANAGE, super::ITEMS, super::LIMITS, LIMITER],
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
        let new: Vec<(Item, Vec<Item>)> =
            input.body.menu_tree.chat_menu_top_levels.iter().map(TopDraft::items).collect();
        for (top, children) in &new {
            rules::menus::is_legal(top, !children.is_empty())?;
            children.iter().try_for_each(|child| rules::menus::is_legal(child, false))?;
        }
        for (top, children) in &new {
            for item in std::iter::once(top).chain(children).filter(|item| !item.image_key.is_empty()) {
                if !is_own_icon(tx, call, &item.image_key).await? {
                    let why = "the icon is not an image of type message that this app uploaded";
                    return Err(Fault::new(codes::NOT_IMAGE_OWNER, why));
                }
            }
        }
        let mut present = menus::list(tx, chat.chat_id).await?;
        rules::menus::tops_fit(super::tops(&present).len(), new.len())?;
        new.iter().try_for_each(|(_, children)| rules::menus::children_fit(children.len()))?;
        let end = menus::end(&present);
        for ((item, children), position) in new.into_iter().zip(end..) {
            let menu_id = MenuId(tx.next_id());
            present.push(insert(tx, &chat, Placed { menu_id, parent: None, item, position }).await?);
            let parent = Some(menu_id);
            for (item, position) in children.into_iter().zip(0..) {
                let menu_id = MenuId(tx.next_id());
                present.push(insert(tx, &chat, Placed { menu_id, parent, item, position }).await?);
            }
        }
        Ok(super::show_all(present))
    }
}

impl TopDraft {
    fn items(&self) -> (Item, Vec<Item>) {
        let children = self.children.iter().map(|child| child.chat_menu_item.item()).collect();
        (self.chat_menu_item.item(), children)
    }
}

async fn insert(tx: &mut Tx, chat: &LockedChat, new: Placed) -> Result<Placed, Fault> {
    menus::insert(tx, chat, &new).await?;
    Ok(new)
}
