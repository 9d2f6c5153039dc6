use larkspur_contract::ids::TabId;
use larkspur_contract::model::{ImageType, TabType};
use larkspur_contract::{
    Access, Bot, Consumes, Effect, Fault, Reply, Spec, Tokens, codes, post, rates, scopes,
};
use larkspur_store::{Tx, documents, images, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChatPath, TabConfig, TabContent, Tabs};
use crate::rules;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chats/:chat_id/chat_tabs`
pub(super) struct Create;

/// What to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The tabs.
    #[schemars(length(min = 1))]
    chat_tabs: Vec<Draft>,
}

/// A tab to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Draft {
    /// Its name.
    #[serde(default)]
    tab_name: String,
    /// Its type.
    tab_type: TabType,
    /// What it opens.
    #[serde(default)]
    tab_content: TabContent,
    /// How it looks and opens, if it is a `url` tab.
    tab_config: Option<TabConfig>,
}

impl Draft {
    /// The member of the content that counts.
    fn target(&self) -> &str {
        let target =
            if self.tab_type == TabType::Doc { &self.tab_content.doc } else { &self.tab_content.url };
        target.as_deref().unwrap_or_default()
    }

    fn config(&self) -> Option<tabs::TabConfig> {
        self.tab_config.as_ref().filter(|_| self.tab_type == TabType::Url).map(|config| tabs::TabConfig {
            icon_key: config.icon_key.clone().unwrap_or_default(),
            is_built_in: config.is_built_in.unwrap_or(false),
        })
    }
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.create",
        summary: "Add tabs to a chat",
        reference: "im-v1/chat-tab/create",
        route: post("/open-apis/im/v1/chats/{chat_id}/chat_tabs"),
        access: Access::Token {
            tokens: Tokens::TenantOrUser,
            scopes: &[scopes::IM_CHAT, scopes::IM_CHAT_TABS_WRITE],
            bot: Bot::Required,
        },
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("ok"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::CHAT_ID_INVALID,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::TAB_LIMIT,
            codes::TAB_NAME_TOO_LONG,
            codes::TAB_CONTENT_ILLEGAL,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_DOC_PERMISSION,
            codes::NO_WIDGET_PERMISSION,
            codes::NOT_IMAGE_OWNER,
        ],
        example: r#"{"chat_tabs":[{"tab_type":"url","tab_name":"Wiki","tab_content":{"url":"https://example.com"}}]}"#,
        behaviours: &[super::ORDER, super::MANAGE, super::SHOWN, super::DOCUMENTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let drafts = &input.body.chat_tabs;
        writable(drafts)?;
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        rules::tabs::mode_has_tabs(&chat)?;
        rules::tabs::may_manage(&chat, &standing)?;
        drafts.iter().try_for_each(|draft| rules::tabs::name_fits(&draft.tab_name))?;
        drafts.iter().try_for_each(content_fits)?;
        for draft in drafts {
            may_show(tx, call, draft).await?;
        }
        for draft in drafts {
            owns_icon(tx, call, draft).await?;
        }
        let present = tabs::list(tx, chat.chat_id).await?;
        let custom = present.iter().filter(|tab| rules::tabs::is_custom(tab.tab_type)).count();
        rules::tabs::count_fits(custom, drafts.len())?;
        let end = tabs::end(tx, &chat).await?;
        for (draft, position) in drafts.iter().zip(end..) {
            let tab = tabs::Tab {
                tab_id: TabId(tx.next_id()),
                tab_type: draft.tab_type,
                name: draft.tab_name.clone(),
                target: draft.target().to_owned(),
                config: draft.config(),
            };
            tabs::insert(tx, &chat, &tab, position).await?;
        }
        Ok(super::all(tx, chat.chat_id).await?)
    }
}

fn writable(drafts: &[Draft]) -> Result<(), Fault> {
    let wrong = drafts.iter().find(|draft| !rules::tabs::is_custom(draft.tab_type));
    wrong.map_or(Ok(()), |draft| {
        Err(Fault::new(codes::PARAM_INVALID, "only doc and url tabs can be added").with_violation(
            "chat_tabs[*].tab_type",
            Some(draft.tab_type.as_str()),
            "options: [doc,url]",
        ))
    })
}

fn content_fits(draft: &Draft) -> Result<(), Fault> {
    let target = draft.target();
    let fits = rules::tabs::is_address(target)
        && (draft.tab_type != TabType::Doc || rules::documents::parse_url(target).is_some());
    if fits {
        return Ok(());
    }
    Err(Fault::new(
        codes::TAB_CONTENT_ILLEGAL,
        format!("the content of a {} tab is no address of one", draft.tab_type.as_str()),
    ))
}

async fn may_show(tx: &mut Tx, call: &Call, draft: &Draft) -> Result<(), Fault> {
    if draft.tab_type != TabType::Doc {
        return Ok(());
    }
    let refused = || {
        Fault::new(codes::NO_DOC_PERMISSION, "the operator does not work with the document, or there is none")
    };
    let (doc_type, token) = rules::documents::parse_url(draft.target()).ok_or_else(refused)?;
    let document = documents::get(tx, token).await?;
    let document =
        document.filter(|found| !found.deleted && found.doc_type == doc_type).ok_or_else(refused)?;
    let operator = call.operator().to_column();
    if document.owner == operator || documents::permission_of(tx, token, &operator).await?.is_some() {
        return Ok(());
    }
    Err(refused())
}

async fn owns_icon(tx: &mut Tx, call: &Call, draft: &Draft) -> Result<(), Fault> {
    let Some(config) = draft.config().filter(|config| !config.icon_key.is_empty()) else { return Ok(()) };
    let image = images::get(tx, &config.icon_key).await?;
    let own = image.is_some_and(|image| {
        image.app_id == call.app_id() && image.image_type == ImageType::Message && !image.deleted
    });
    if own {
        return Ok(());
    }
    Err(Fault::new(codes::NOT_IMAGE_OWNER, "the icon is no image of type message that this app uploaded"))
}
