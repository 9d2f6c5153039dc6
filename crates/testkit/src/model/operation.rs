//! Operations with the model's ids in them, and how they are sent.

use serde_json::{Map, Value, json};

/// In whose name a call acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The app's bot.
    Bot,
    /// A user, by number.
    User(usize),
}

impl Actor {
    /// As a member of chats.
    pub fn member(self) -> String {
        match self {
            Actor::Bot => "<bot>".to_owned(),
            Actor::User(number) => format!("<user:{number}>"),
        }
    }
}

/// Names by language: a locale, and the name if there is one.
pub type Names = Vec<(String, Option<String>)>;

/// A tab in a request. What is `None` is not sent.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the members of the request")]
pub struct TabDraft {
    pub id: Option<String>,
    pub tab_type: String,
    pub name: Option<String>,
    pub url: Option<String>,
    pub doc: Option<String>,
    pub config: Option<(Option<String>, Option<bool>)>,
}

/// An operation. The `Set…`, `Remove…` and `Delete…` of members, chats, the app and images are the control API's.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the members of the requests")]
pub enum Op {
    CreateTag {
        kind: String,
        name: String,
        names: Names,
    },
    PatchTag {
        tag: String,
        id: Option<String>,
        name: Option<String>,
        names: Option<Names>,
    },
    ListTags {
        ids: Vec<String>,
    },
    Bind {
        chat: String,
        tags: Vec<String>,
    },
    Unbind {
        chat: String,
        tags: Vec<String>,
    },
    Bound {
        chat: String,
    },
    AddTabs {
        by: Actor,
        chat: String,
        drafts: Vec<TabDraft>,
    },
    UpdateTabs {
        by: Actor,
        chat: String,
        drafts: Vec<TabDraft>,
    },
    DeleteTabs {
        by: Actor,
        chat: String,
        ids: Vec<String>,
    },
    SortTabs {
        by: Actor,
        chat: String,
        ids: Vec<String>,
    },
    ListTabs {
        by: Actor,
        chat: String,
    },
    CreateChat {
        name: String,
        chat_type: String,
        description: String,
        avatar: String,
        owner: Option<String>,
        users: Vec<String>,
        uuid: Option<String>,
        bot_manages: bool,
    },
    GetChat {
        by: Actor,
        chat: String,
    },
    Upload {
        avatar: bool,
    },
    DeleteImage {
        image: String,
    },
    SetApp {
        bot: bool,
        external_sharing: bool,
        visible_to: Option<Vec<usize>>,
    },
    SetMember {
        chat: String,
        member: String,
        manager: bool,
    },
    RemoveMember {
        chat: String,
        member: String,
    },
    SetChat {
        chat: String,
        status: String,
        only_owner_manages: bool,
        owner: Option<String>,
    },
}

/// How an operation is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// In whose name; `None` for the control API.
    pub by: Option<Actor>,
    /// The method.
    pub method: &'static str,
    /// Path and query, below `/open-apis` or below the world.
    pub path: String,
    /// The body.
    pub body: Value,
}

impl Op {
    /// How it is sent, with the model's ids. An upload has a body of its own.
    pub fn sent(&self) -> Sent {
        let bot = |method, path: String, body| Sent { by: Some(Actor::Bot), method, path, body };
        let tabs = |by: &Actor, chat: &str, method, path: &str, body| Sent {
            by: Some(*by),
            method,
            path: format!("/im/v1/chats/{chat}/chat_tabs{path}"),
            body,
        };
        let control = |method, path: String, body| Sent { by: None, method, path, body };
        let relation = |chat: &str, tags: &[String]| json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": tags});
        match self {
            Op::CreateTag { kind, name, names } => {
                let tag = json!({"tag_type": kind, "name": name, "i18n_names": i18n(names)});
                bot("POST", "/im/v2/tags".into(), json!({"create_tag": tag}))
            }
            Op::PatchTag { tag, id, name, names } => {
                let patch =
                    without_nulls(json!({"id": id, "name": name, "i18n_names": names.as_ref().map(i18n)}));
                bot("PATCH", format!("/im/v2/tags/{tag}"), json!({"patch_tag": patch}))
            }
            Op::ListTags { ids } => {
                let ids: Vec<String> = ids.iter().map(|id| format!("ids={id}")).collect();
                bot("GET", format!("/im/v2/tags?{}", ids.join("&")), Value::Null)
            }
            Op::Bind { chat, tags } => {
                bot("POST", "/im/v2/biz_entity_tag_relation".into(), relation(chat, tags))
            }
            Op::Unbind { chat, tags } => {
                bot("PUT", "/im/v2/biz_entity_tag_relation".into(), relation(chat, tags))
            }
            Op::Bound { chat } => {
                let query = format!("tag_biz_type=chat&biz_entity_id={chat}");
                bot("GET", format!("/im/v2/biz_entity_tag_relation?{query}"), Value::Null)
            }
            Op::AddTabs { by, chat, drafts } => {
                tabs(by, chat, "POST", "", json!({"chat_tabs": draft_list(drafts)}))
            }
            Op::UpdateTabs { by, chat, drafts } => {
                tabs(by, chat, "POST", "/update_tabs", json!({"chat_tabs": draft_list(drafts)}))
            }
            Op::DeleteTabs { by, chat, ids } => {
                tabs(by, chat, "DELETE", "/delete_tabs", json!({"tab_ids": ids}))
            }
            Op::SortTabs { by, chat, ids } => tabs(by, chat, "POST", "/sort_tabs", json!({"tab_ids": ids})),
            Op::ListTabs { by, chat } => tabs(by, chat, "GET", "/list_tabs", Value::Null),
            Op::CreateChat { name, chat_type, description, avatar, owner, users, uuid, bot_manages } => {
                let uuid = uuid.as_ref().map_or(String::new(), |uuid| format!("&uuid={uuid}"));
                let body = without_nulls(json!({
                    "name": name, "chat_type": chat_type, "description": description, "avatar": avatar,
                    "owner_id": owner, "user_id_list": users,
                }));
                bot("POST", format!("/im/v1/chats?set_bot_manager={bot_manages}{uuid}"), body)
            }
            Op::GetChat { by, chat } => {
                Sent { by: Some(*by), method: "GET", path: format!("/im/v1/chats/{chat}"), body: Value::Null }
            }
            Op::Upload { .. } => bot("POST", "/im/v1/images".into(), Value::Null),
            Op::DeleteImage { image } => control("DELETE", format!("/images/{image}"), Value::Null),
            Op::SetApp { bot, external_sharing, visible_to } => {
                let visible: Option<Vec<String>> = visible_to
                    .as_ref()
                    .map(|users| users.iter().map(|user| format!("<user:{user}>")).collect());
                let all = visible.is_none().then_some(true);
                let body = json!({"bot": bot, "external_sharing": external_sharing, "visible_to": visible, "visible_to_all": all});
                control("PUT", "/apps/<bot>".into(), without_nulls(body))
            }
            Op::SetMember { chat, member, manager } => {
                control("PUT", format!("/chats/{chat}/members/{member}"), json!({"manager": manager}))
            }
            Op::RemoveMember { chat, member } => {
                control("DELETE", format!("/chats/{chat}/members/{member}"), Value::Null)
            }
            Op::SetChat { chat, status, only_owner_manages, owner } => {
                let manage = if *only_owner_manages { "only_owner" } else { "all_members" };
                let body = json!({"chat_status": status, "manage_widgets": manage, "owner": owner});
                control("PATCH", format!("/chats/{chat}"), without_nulls(body))
            }
        }
    }
}

/// Names by language as they are sent and answered.
pub(super) fn i18n(names: &Names) -> Value {
    let one =
        |(locale, name): &(String, Option<String>)| without_nulls(json!({"locale": locale, "name": name}));
    names.iter().map(one).collect()
}

fn draft_list(drafts: &[TabDraft]) -> Value {
    let one = |draft: &TabDraft| {
        let content = (draft.url.is_some() || draft.doc.is_some())
            .then(|| without_nulls(json!({"url": draft.url, "doc": draft.doc})));
        let config = draft
            .config
            .as_ref()
            .map(|(icon, inside)| without_nulls(json!({"icon_key": icon, "is_built_in": inside})));
        without_nulls(json!({
            "tab_id": draft.id, "tab_type": draft.tab_type, "tab_name": draft.name,
            "tab_content": content, "tab_config": config,
        }))
    };
    drafts.iter().map(one).collect()
}

fn without_nulls(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}
