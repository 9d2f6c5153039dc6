//! The gateway translates the ids of people in a body before the operation checks anything: a loop over the registry.
//!
//! The schemas show which operations have such ids. Each of them must be in one of the two tables, so that a new one is
//! not forgotten.

use std::collections::BTreeSet;

use larkspur_contract::{Access, Bot, Spec, Tokens};
use larkspur_server::REGISTRY;
use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

/// An operation whose ids the gateway translates.
struct Translated {
    operation: &'static str,
    /// The fields that contain them.
    fields: &'static [&'static str],
    /// The parameter with the form of the ids.
    form: &'static str,
    /// The answer to an unknown union_id.
    union: u32,
}

const TRANSLATED: &[Translated] = &[
    Translated {
        operation: "im.v1.chat.create",
        fields: &["owner_id", "user_id_list"],
        form: "user_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.chat.update",
        fields: &["owner_id"],
        form: "user_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.chat_members.create",
        fields: &["id_list"],
        form: "member_id_type",
        union: 99992364,
    },
    Translated {
        operation: "im.v1.chat_managers.add_managers",
        fields: &["manager_ids"],
        form: "member_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.chat_managers.delete_managers",
        fields: &["manager_ids"],
        form: "member_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.chat_moderation.update",
        fields: &["moderator_added_list", "moderator_removed_list"],
        form: "user_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v2.chat.search",
        fields: &["filter.member_ids"],
        form: "user_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.message.create",
        fields: &["receive_id"],
        form: "receive_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.message.forward",
        fields: &["receive_id"],
        form: "receive_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.message.merge_forward",
        fields: &["receive_id"],
        form: "receive_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.thread.forward",
        fields: &["receive_id"],
        form: "receive_id_type",
        union: 99992363,
    },
    Translated {
        operation: "im.v1.chat_p2p.batch_query",
        fields: &["chatter_ids"],
        form: "chatter_id_type",
        union: 99992363,
    },
];

const MENTIONED: &str = "the page has a code of its own for users who cannot be mentioned";

/// Operations with ids of people that the gateway does not translate, with the reason.
const LEFT: &[(&str, &str, &str)] = &[
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.page.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.text.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading1.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading2.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading3.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading4.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading5.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading6.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading7.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading8.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.heading9.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.bullet.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.ordered.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.code.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.quote.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block_children.create",
        "children.todo.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block.batch_update",
        "requests.update_text.elements.mention_user.user_id",
        MENTIONED,
    ),
    (
        "docx.v1.chat_announcement_block.batch_update",
        "requests.update_text_elements.elements.mention_user.user_id",
        MENTIONED,
    ),
    ("contact.v3.user.basic_batch", "user_ids", "the ids are all that the operation looks at"),
    ("ephemeral.v1.send", "open_id", "the name of the field is the form of the id; the page lists no codes"),
    ("ephemeral.v1.send", "user_id", "the name of the field is the form of the id; the page lists no codes"),
    ("im.v1.message.urgent_app", "user_id_list", "the answer lists the ids that are unknown"),
    ("im.v1.message.urgent_phone", "user_id_list", "the answer lists the ids that are unknown"),
    ("im.v1.message.urgent_sms", "user_id_list", "the answer lists the ids that are unknown"),
    ("im.v2.url_preview.batch_update", "open_ids", "the page has one code for everything that is wrong"),
    ("message.v4.batch_send", "open_ids", "the answer lists the ids that are unknown"),
    ("message.v4.batch_send", "union_ids", "the answer lists the ids that are unknown"),
    ("message.v4.batch_send", "user_ids", "the answer lists the ids that are unknown"),
    ("im.v1.chat_members.delete", "id_list", "the answer lists the ids that are unknown"),
    (
        "drive.v1.permission_member.create",
        "member_id",
        "the page has a code of its own for what member_type names",
    ),
];

/// Whether a field of this name contains ids of people.
fn names_people(field: &str) -> bool {
    let whose =
        ["receive", "user", "owner", "member", "manager", "moderator", "chatter", "open", "union", "people"];
    let ends = ["_id", "_ids", "_list"];
    field == "id_list"
        || (whose.iter().any(|word| field.starts_with(word)) && ends.iter().any(|end| field.ends_with(end)))
}

/// The fields of a schema that contain ids of people, and whether each is a list.
fn people(schema: &Value, path: &str, found: &mut Vec<(String, bool)>) {
    let Some(members) = schema.get("properties").and_then(Value::as_object) else {
        if let Some(item) = schema.get("items") {
            people(item, path, found);
        }
        return;
    };
    for (name, member) in members {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let text = member.to_string();
        let holds_objects = text.contains("\"properties\"");
        if names_people(name) && !holds_objects {
            found.push((path.clone(), text.contains("\"array\"")));
        }
        for inner in
            std::iter::once(member).chain(member.get("anyOf").and_then(Value::as_array).into_iter().flatten())
        {
            people(inner, &path, found);
        }
    }
}

/// Every operation behind a token, with the fields of its body that contain ids of people.
fn operations() -> impl Iterator<Item = (&'static Spec, Vec<(String, bool)>)> {
    let entries = REGISTRY.iter().copied().flatten();
    let behind_token = entries.filter(|entry| matches!(entry.spec.access, Access::Token { .. }));
    behind_token.map(|entry| {
        let mut found = Vec::new();
        people(&entry.schemas().body, "", &mut found);
        (entry.spec, found)
    })
}

#[test]
fn every_operation_with_ids_of_people_is_listed() {
    let found: BTreeSet<(String, String)> = operations()
        .flat_map(|(spec, fields)| fields.into_iter().map(|(field, _)| (spec.id.to_owned(), field)))
        .collect();
    let translated = TRANSLATED
        .iter()
        .flat_map(|one| one.fields.iter().map(|field| (one.operation.to_owned(), (*field).to_owned())));
    let left = LEFT.iter().map(|(id, field, _)| ((*id).to_owned(), (*field).to_owned()));
    assert_eq!(found, translated.chain(left).collect(), "of the registry, and of the two tables");
    assert!(LEFT.iter().all(|(_, _, why)| !why.is_empty()));
}

/// A body with an id in a field, and with what the operation requires besides.
fn body(operation: &str, field: &str, list: bool, id: &str) -> Value {
    let value = if list { json!([id]) } else { json!(id) };
    let mut body = field.rsplit('.').fold(value, |inner, name| json!({name: inner}));
    if operation == "im.v1.message.create" {
        body["msg_type"] = json!("text");
        body["content"] = json!(r#"{"text":"x"}"#);
    }
    if operation == "im.v1.message.merge_forward" {
        body["message_id_list"] = json!(["om_x"]);
    }
    body
}

/// Whether the page has no code for an app that is not in use: then the gateway refuses it, before it translates.
fn leaves_apps_to_the_gateway(case: &Translated) -> bool {
    operations().any(|(spec, _)| {
        spec.id == case.operation && matches!(spec.access, Access::Token { bot: Bot::NotRequired, .. })
    })
}

struct Stage {
    world: World,
    /// The chats: one with the world's people, one with only its owner, one that does not exist.
    chats: [String; 3],
    /// The callers: the bot, a plain member, the owner.
    tokens: Vec<String>,
    /// The open_id of a user for another app.
    foreign: String,
    /// A message that can be forwarded, and its thread.
    message: String,
    thread: String,
}

async fn stage() -> Stage {
    let world = Lab::start().await.world().await;
    let said = json!({"receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(said).send().await.data();
    let message = sent["message_id"].as_str().expect("an id").to_owned();
    let reply = json!({"msg_type": "text", "content": r#"{"text":"x"}"#, "reply_in_thread": true});
    let path = format!("/im/v1/messages/{message}/reply");
    let sent = world.call("POST", &path).body(reply).send().await.data();
    let thread = sent["thread_id"].as_str().expect("an id").to_owned();
    let private = world.chat(json!({"owner": world.users[0].user_id})).await;
    let (other, _) = world.app(json!({})).await;
    let shown = world.control("GET", &format!("/users/{}", world.users[1].user_id)).send().await.data();
    let seen = shown["apps"].as_array().expect("apps").iter().find(|seen| seen["app_id"] == other.as_str());
    let foreign = seen.expect("the app")["open_id"].as_str().expect("an id").to_owned();
    // A bot that is a plain member of the chat, without the right to act as its owner.
    let scopes: Vec<&&str> =
        larkspur_contract::scopes::ALL.iter().filter(|scope| !scope.ends_with("as_owner")).collect();
    world.set_app(&world.app_id, json!({"scopes": scopes})).await;
    let restricted =
        json!({"settings": {"edit_permission": "only_owner", "add_member_permission": "only_owner"}});
    world.control("PATCH", &format!("/chats/{}", world.chat_id)).body(restricted).send().await.data();
    let tokens =
        vec![world.token.clone(), world.user_token(1, json!({})).await, world.user_token(0, json!({})).await];
    let chats = [world.chat_id.clone(), private, "oc_00000000000000000000000000000000".to_owned()];
    Stage { world, chats, tokens, foreign, message, thread }
}

impl Stage {
    /// Calls every operation and field with every allowed token, on each chat.
    async fn ask(&self, chats: &[String], asked: impl AsyncFn(&Translated, &dyn Fn(&str, &str) -> Request)) {
        for (spec, fields) in operations() {
            let Some(case) = TRANSLATED.iter().find(|case| case.operation == spec.id) else { continue };
            let Access::Token { tokens, .. } = spec.access else { continue };
            let callers = match tokens {
                Tokens::Tenant => &self.tokens[..1],
                Tokens::User => &self.tokens[1..],
                Tokens::TenantOrUser => &self.tokens[..],
            };
            for (field, list) in &fields {
                for token in callers {
                    for chat in chats {
                        let path = spec.route.path.replace("{chat_id}", chat).replace("{message_id}", &self.message);
                        let path = path.replace("{thread_id}", &self.thread);
                        let call = |form: &str, id: &str| {
                            let request =
                                self.world.lab.request(spec.route.method.name(), &path).token(token);
                            request.query(case.form, form).body(body(spec.id, field, *list, id))
                        };
                        asked(case, &call).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_id_is_reported_first_whatever_else_is_wrong() {
    let stage = stage().await;
    let check = async |case: &Translated, call: &dyn Fn(&str, &str) -> Request| {
        for (form, id, code) in [
            ("open_id", "ou_1", 99992351),
            ("open_id", "x", 99992351),
            ("open_id", stage.foreign.as_str(), 99992361),
            ("union_id", "on_1", case.union),
            ("user_id", "unknown", 99992360),
        ] {
            let json = call(form, id).send().await.refused(code);
            let told = &json["error"]["field_violations"][0]["value"];
            assert!(code == 99992361 || told == id, "{} {form}: {json}", case.operation);
        }
    };
    stage.ask(&stage.chats, check).await;
    // Also before the app's own limitations.
    stage.world.set_app(&stage.world.app_id, json!({"bot": false})).await;
    stage.ask(&stage.chats[..1], check).await;
    stage.world.set_app(&stage.world.app_id, json!({"bot": true, "status": "disabled"})).await;
    let of_pages = async |case: &Translated, call: &dyn Fn(&str, &str) -> Request| {
        if !leaves_apps_to_the_gateway(case) {
            check(case, call).await;
        }
    };
    stage.ask(&stage.chats[..1], of_pages).await;
}

#[tokio::test]
async fn a_known_id_is_not_in_the_way() {
    let stage = stage().await;
    let known = stage.world.users[2].open_id.clone();
    let check = async |case: &Translated, call: &dyn Fn(&str, &str) -> Request| {
        let code = call("open_id", &known).send().await.code();
        assert!(!(99992351..=99992381).contains(&code), "{} {code}", case.operation);
    };
    stage.ask(&stage.chats, check).await;
}

/// The gateway's own refusals come before it translates anything.
#[tokio::test]
async fn what_the_gateway_refuses_stays() {
    let stage = stage().await;
    let path = format!("/im/v1/chats/{}/managers/add_managers", stage.chats[1]);
    let call = |form: &str, ids: Value| {
        stage.world.call("POST", &path).query("member_id_type", form).body(json!({"manager_ids": ids}))
    };
    call("nickname", json!(["ou_1"])).send().await.refused(99992402);
    call("open_id", json!([1])).send().await.refused(9499);
    // If there are more ids than a call may name, none is looked up.
    call("open_id", json!(vec!["ou_1"; 51])).send().await.refused(232011);
    // The ids of apps are not ids of people.
    call("app_id", json!(["cli_1"])).send().await.refused(232011);
    stage.world.set_app(&stage.world.app_id, json!({"scopes": ["im:chat"]})).await;
    call("user_id", json!(["unknown"])).send().await.refused(99991672);
}
