//! How operations are sent.

use serde_json::{Map, Value, json};

use super::announcements::{block, title};
use super::{Actor, Change, Edit, Form, MenuDraft, Names, Op, TabDraft};

/// The credentials of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// A token.
    Token(Actor),
    /// The control key, on a tenant.
    Control(usize),
}

/// How an operation is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The credentials.
    pub through: Through,
    /// The method.
    pub method: &'static str,
    /// Path and query, below `/open-apis` or below the world.
    pub path: String,
    /// The body.
    pub body: Value,
}

fn token(by: Actor, method: &'static str, path: String, body: Value) -> Sent {
    Sent { through: Through::Token(by), method, path, body }
}

fn control(tenant: usize, method: &'static str, path: String, body: Value) -> Sent {
    Sent { through: Through::Control(tenant), method, path, body }
}

/// A call about a chat.
fn about(by: Actor, method: &'static str, chat: &str, path: &str, body: Value) -> Sent {
    token(by, method, format!("/im/v1/chats/{chat}{path}"), body)
}

impl Op {
    /// How to send it, with the model's ids. An upload has a body of its own.
    pub fn sent(&self) -> Sent {
        const RELATION: &str = "/im/v2/biz_entity_tag_relation";
        let relation = |chat: &str, tags: &[String]| json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": tags});
        let bot = |app: &usize| Actor::bot(*app);
        match self {
            Op::CreateTag { app, kind, name, names } => {
                let tag = json!({"tag_type": kind, "name": name, "i18n_names": i18n(names)});
                token(bot(app), "POST", "/im/v2/tags".into(), json!({"create_tag": tag}))
            }
            Op::PatchTag { app, tag, id, name, names } => {
                let patch =
                    without_nulls(json!({"id": id, "name": name, "i18n_names": names.as_ref().map(i18n)}));
                token(bot(app), "PATCH", format!("/im/v2/tags/{tag}"), json!({"patch_tag": patch}))
            }
            Op::ListTags { app, ids } => {
                let ids: Vec<String> = ids.iter().map(|id| format!("ids={id}")).collect();
                token(bot(app), "GET", format!("/im/v2/tags?{}", ids.join("&")), Value::Null)
            }
            Op::Bind { app, chat, tags } => token(bot(app), "POST", RELATION.into(), relation(chat, tags)),
            Op::Unbind { app, chat, tags } => token(bot(app), "PUT", RELATION.into(), relation(chat, tags)),
            Op::Bound { app, chat } => {
                let path = format!("{RELATION}?tag_biz_type=chat&biz_entity_id={chat}");
                token(bot(app), "GET", path, Value::Null)
            }
            Op::AddTabs { by, chat, drafts } => {
                about(*by, "POST", chat, "/chat_tabs", json!({"chat_tabs": tab_list(drafts)}))
            }
            Op::UpdateTabs { by, chat, drafts } => {
                let body = json!({"chat_tabs": tab_list(drafts)});
                about(*by, "POST", chat, "/chat_tabs/update_tabs", body)
            }
            Op::DeleteTabs { by, chat, ids } => {
                about(*by, "DELETE", chat, "/chat_tabs/delete_tabs", json!({"tab_ids": ids}))
            }
            Op::SortTabs { by, chat, ids } => {
                about(*by, "POST", chat, "/chat_tabs/sort_tabs", json!({"tab_ids": ids}))
            }
            Op::ListTabs { by, chat } => about(*by, "GET", chat, "/chat_tabs/list_tabs", Value::Null),
            Op::CreateChat { app, form, draft, people, uuid, bot_manages } => {
                let uuid = uuid.as_ref().map_or(String::new(), |uuid| format!("&uuid={uuid}"));
                let mut body = change(draft);
                body["user_id_list"] = json!(people.0);
                body["bot_id_list"] = json!(people.1);
                let form = form.word();
                let path = format!("/im/v1/chats?user_id_type={form}&set_bot_manager={bot_manages}{uuid}");
                token(bot(app), "POST", path, body)
            }
            Op::GetChat { by, form, chat } => about(*by, "GET", chat, &user_form(*form), Value::Null),
            Op::UpdateChat { by, form, chat, change: asked } => {
                about(*by, "PUT", chat, &user_form(*form), change(asked))
            }
            Op::DeleteChat { by, chat } => about(*by, "DELETE", chat, "", Value::Null),
            Op::ListChats { by, form, active, size } => {
                let order = if *active { "ByActiveTimeDesc" } else { "ByCreateTimeAsc" };
                let path = format!("/im/v1/chats{}&sort_type={order}&page_size={size}", user_form(*form));
                token(*by, "GET", path, Value::Null)
            }
            Op::AddMembers { by, form, chat, ids, kind } => {
                let path = format!("/members?member_id_type={}&succeed_type={kind}", form.word());
                about(*by, "POST", chat, &path, json!({"id_list": ids}))
            }
            Op::RemoveMembers { by, form, chat, ids } => {
                let path = format!("/members?member_id_type={}", form.word());
                about(*by, "DELETE", chat, &path, json!({"id_list": ids}))
            }
            Op::Members { by, form, chat, size } => {
                let path = format!("/members?member_id_type={}&page_size={size}", form.word());
                about(*by, "GET", chat, &path, Value::Null)
            }
            Op::IsInChat { by, chat } => about(*by, "GET", chat, "/members/is_in_chat", Value::Null),
            Op::Join { by, chat } => about(*by, "PATCH", chat, "/members/me_join", Value::Null),
            Op::Appoint { by, form, chat, ids, manager } => {
                let verb = if *manager { "add" } else { "delete" };
                let path = format!("/managers/{verb}_managers?member_id_type={}", form.word());
                about(*by, "POST", chat, &path, json!({"manager_ids": ids}))
            }
            Op::AddMenus { app, chat, drafts } => {
                let tops: Vec<Value> = drafts.iter().map(menu).collect();
                let body = json!({"menu_tree": {"chat_menu_top_levels": tops}});
                about(bot(app), "POST", chat, "/menu_tree", body)
            }
            Op::DeleteMenus { app, chat, ids } => {
                about(bot(app), "DELETE", chat, "/menu_tree", json!({"chat_menu_top_level_ids": ids}))
            }
            Op::GetMenus { app, chat } => about(bot(app), "GET", chat, "/menu_tree", Value::Null),
            Op::SortMenus { app, chat, ids } => {
                about(bot(app), "POST", chat, "/menu_tree/sort", json!({"chat_menu_top_level_ids": ids}))
            }
            Op::PatchMenu { app, chat, id, fields, draft } => {
                let body = json!({"update_fields": fields, "chat_menu_item": menu_item(draft)});
                about(bot(app), "PATCH", chat, &format!("/menu_items/{id}"), body)
            }
            Op::GetAnnouncement { by, form, chat } => {
                about(*by, "GET", chat, &format!("/announcement{}", user_form(*form)), Value::Null)
            }
            Op::PatchAnnouncement { by, chat, revision, edits } => {
                let requests: Vec<String> = edits.iter().map(edit).collect();
                about(
                    *by,
                    "PATCH",
                    chat,
                    "/announcement",
                    json!({"revision": revision, "requests": requests}),
                )
            }
            Op::Upload { app, .. } => token(bot(app), "POST", "/im/v1/images".into(), Value::Null),
            other => other.message_sent(),
        }
    }

    fn message_sent(&self) -> Sent {
        let content = |text: &str| json!({"text": text}).to_string();
        let at = |message: &str, path: &str| format!("/im/v1/messages/{message}{path}");
        match self {
            Op::Send { by, chat, text, uuid } => {
                let content = text.as_ref().map_or("x".to_owned(), |text| content(text));
                let body = json!({"receive_id": chat, "msg_type": "text", "content": content, "uuid": uuid});
                let path = "/im/v1/messages?receive_id_type=chat_id";
                token(*by, "POST", path.into(), without_nulls(body))
            }
            Op::Reply { by, message, in_thread, uuid } => {
                // The model's text of a reply names the message.
                let text = message.replace("<message:", "re ").replace('>', "");
                let body = json!({
                    "msg_type": "text", "content": content(&text), "reply_in_thread": in_thread, "uuid": uuid,
                });
                token(*by, "POST", at(message, "/reply"), without_nulls(body))
            }
            Op::GetMessage { by, message } => token(*by, "GET", at(message, ""), Value::Null),
            Op::ListMessages { by, chat, newest_first, size } => {
                let order = if *newest_first { "ByCreateTimeDesc" } else { "ByCreateTimeAsc" };
                let chat = format!("?container_id_type=chat&container_id={chat}");
                let path = format!("/im/v1/messages{chat}&sort_type={order}&page_size={size}");
                token(*by, "GET", path, Value::Null)
            }
            Op::EditMessage { by, message, text } => {
                token(*by, "PUT", at(message, ""), json!({"msg_type": "text", "content": content(text)}))
            }
            Op::Recall { by, message } => token(*by, "DELETE", at(message, ""), Value::Null),
            Op::React { by, message, emoji } => {
                let body = json!({"reaction_type": {"emoji_type": emoji}});
                token(*by, "POST", at(message, "/reactions"), body)
            }
            Op::Unreact { by, message, reaction } => {
                token(*by, "DELETE", at(message, &format!("/reactions/{reaction}")), Value::Null)
            }
            Op::Pin { by, message } => {
                token(*by, "POST", "/im/v1/pins".into(), json!({"message_id": message}))
            }
            Op::Unpin { by, message } => token(*by, "DELETE", format!("/im/v1/pins/{message}"), Value::Null),
            Op::ListPins { by, chat, size } => {
                let path = format!("/im/v1/pins?chat_id={chat}&page_size={size}");
                token(*by, "GET", path, Value::Null)
            }
            of_control => of_control.sent_to_control(),
        }
    }

    fn sent_to_control(&self) -> Sent {
        match self {
            Op::SetApp { app, bot, external_sharing, as_owner, visible_to } => {
                let visible: Option<Vec<String>> = visible_to
                    .as_ref()
                    .map(|users| users.iter().map(|user| format!("<user:{user}>")).collect());
                let all = visible.is_none().then_some(true);
                let held = |scope: &&&str| *as_owner || **scope != "im:chat:operate_as_owner";
                let scopes: Vec<&&str> = larkspur_contract::scopes::ALL.iter().filter(held).collect();
                let body = json!({
                    "bot": bot, "external_sharing": external_sharing, "scopes": scopes,
                    "visible_to": visible, "visible_to_all": all,
                });
                // Only the apps of tenant 0 are changed.
                control(0, "PUT", format!("/apps/<app:{app}>"), without_nulls(body))
            }
            Op::SetMember { tenant, chat, member, manager } => {
                let path = format!("/chats/{chat}/members/{member}");
                control(*tenant, "PUT", path, json!({"manager": manager}))
            }
            Op::DropMember { tenant, chat, member } => {
                control(*tenant, "DELETE", format!("/chats/{chat}/members/{member}"), Value::Null)
            }
            Op::Answer { tenant, chat, member, welcome } => {
                let method = if *welcome { "PUT" } else { "DELETE" };
                control(*tenant, method, format!("/chats/{chat}/pending/{member}"), Value::Null)
            }
            Op::SetChat { tenant, chat, status, only_owner_manages, owner, announcement, settings } => {
                let manage = if *only_owner_manages { "only_owner" } else { "all_members" };
                let (kind, locked) = announcement.clone().unzip();
                let settings: Map<String, Value> =
                    settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                let body = json!({
                    "settings": settings, "chat_status": status, "manage_widgets": manage, "owner": owner,
                    "announcement_type": kind, "announcement_locked": locked,
                });
                control(*tenant, "PATCH", format!("/chats/{chat}"), without_nulls(body))
            }
            Op::DeleteImage { image } => control(0, "DELETE", format!("/images/{image}"), Value::Null),
            other => unreachable!("{other:?} is no operation of the control API"),
        }
    }
}

fn user_form(form: Form) -> String {
    format!("?user_id_type={}", form.word())
}

fn change(asked: &Change) -> Value {
    let mut body = without_nulls(json!({
        "name": asked.name, "description": asked.description, "avatar": asked.avatar,
        "i18n_names": asked.english.as_ref().map(|name| json!({"en_us": name})),
        "chat_mode": asked.mode, "chat_type": asked.chat_type, "group_message_type": asked.message_type, "owner_id": asked.owner,
    }));
    for (name, value) in &asked.settings {
        body[*name] = value.clone();
    }
    body
}

fn menu(draft: &MenuDraft) -> Value {
    let children: Vec<Value> =
        draft.children.iter().map(|child| json!({"chat_menu_item": menu_item(child)})).collect();
    json!({"chat_menu_item": menu_item(draft), "children": children})
}

fn menu_item(draft: &MenuDraft) -> Value {
    let link = without_nulls(json!({"common_url": draft.common, "pc_url": draft.pc}));
    let action = if draft.links { "REDIRECT_LINK" } else { "NONE" };
    without_nulls(json!({
        "action_type": (!draft.untyped).then_some(action), "name": draft.name,
        "redirect_link": link, "image_key": draft.image,
        "i18n_names": draft.japanese.as_ref().map(|name| json!({"ja_jp": name})),
    }))
}

fn edit(edit: &Edit) -> String {
    let request = match edit {
        Edit::Paragraph(text, first) => {
            let location = if *first { json!({"startOfZone": true}) } else { json!({"endOfZone": true}) };
            let payload = json!({"blocks": [block(text)]}).to_string();
            let request = json!({"payload": payload, "location": location});
            json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": request})
        }
        Edit::Title(text) => {
            let request = json!({"payload": title(text).to_string()});
            json!({"requestType": "UpdateTitleRequestType", "updateTitleRequest": request})
        }
        Edit::Unsupported => json!({"requestType": "DeleteContentRangeRequestType"}),
    };
    request.to_string()
}

/// Names by language, as sent and answered.
pub(super) fn i18n(names: &Names) -> Value {
    let one =
        |(locale, name): &(String, Option<String>)| without_nulls(json!({"locale": locale, "name": name}));
    names.iter().map(one).collect()
}

fn tab_list(drafts: &[TabDraft]) -> Value {
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
