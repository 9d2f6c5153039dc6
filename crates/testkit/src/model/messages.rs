//! Messages with plain texts, their reactions and their pins.

use serde_json::{Value, json};

use super::{Actor, Chat, JSON, Model, Outcome, number};

/// For how long a uuid stands for its message.
const HOUR_MS: i64 = 3_600_000;
/// How long a message is edited, and recalled by its sender.
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long it is recalled by owner and managers.
const YEAR_MS: i64 = 365 * DAY_MS;
/// How often it is edited.
const EDITS: usize = 20;
/// Messages count as activity of their chat once in this time.
const MINUTE_MS: i64 = 60_000;
/// The emoji of the model; any other name is unknown.
const EMOJI: [&str; 3] = ["OK", "SMILE", "THUMBSUP"];

#[derive(Debug, Clone)]
pub(super) struct Message {
    chat: String,
    /// The thread, and whether only that lists the message.
    thread: Option<String>,
    only_in_thread: bool,
    /// The steps that sent these messages.
    root: Option<usize>,
    parent: Option<usize>,
    text: String,
    sender: String,
    sent: i64,
    updated: i64,
    edits: usize,
    recalled: bool,
    /// The step of the pin, its operator, and its time.
    pin: Option<(usize, String, i64)>,
}

#[derive(Debug, Clone)]
pub(super) struct Reaction {
    message: usize,
    emoji: String,
    operator: String,
    added: i64,
}

/// What is to be done in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Read,
    Write,
}

fn id(step: usize) -> String {
    format!("<message:{step}>")
}

impl Model {
    /// The ids of all messages; of those of a chat, if one is given.
    pub fn messages_of(&self, chat: Option<&str>) -> Vec<String> {
        let listed = |message: &Message| chat.is_none_or(|chat| message.chat == chat);
        self.messages.iter().filter(|(_, message)| listed(message)).map(|(step, _)| id(*step)).collect()
    }

    /// The chat and the sender of a message.
    pub fn origin_of(&self, message: &str) -> Option<(&str, &str)> {
        let message = self.messages.get(&number(message, "message")?)?;
        Some((&message.chat, &message.sender))
    }

    /// The ids of all reactions, with their messages and operators.
    pub fn all_reactions(&self) -> Vec<(String, String, String)> {
        let one = |(step, reaction): (&usize, &Reaction)| {
            (format!("<reaction:{step}>"), id(reaction.message), reaction.operator.clone())
        };
        self.reactions.iter().map(one).collect()
    }

    /// Whether only owner and managers of a chat pin in it.
    pub fn restricts_pins(&self, chat: &str) -> bool {
        self.chats.get(chat).is_some_and(|chat| chat.is_set("pin_manage_setting", "only_owner"))
    }

    /// A chat of the caller's tenant that lets the caller do this; its absence is the error `absent`.
    fn spoken_in(&self, by: Actor, chat: &str, act: Act, absent: u32) -> Result<&Chat, u32> {
        let app = &self.apps[by.app];
        let chat = self.chats.get(chat).filter(|chat| chat.tenant == app.tenant).ok_or(absent)?;
        if chat.external && !app.external_sharing && (by.user.is_none() || act == Act::Write) {
            return Err(230027);
        }
        if chat.status != "normal" {
            return Err(if act == Act::Read { 230002 } else { 232009 });
        }
        if !chat.has(by) {
            return Err(230002);
        }
        let sees = by.user.is_some() || chat.mode != "p2p" || self.parties_see(chat, by.app);
        if sees { Ok(chat) } else { Err(230013) }
    }

    /// The step and the chat of a message; `elsewhere` is the error for a message of another tenant.
    fn message(&self, by: Actor, message: &str, act: Act, elsewhere: u32) -> Result<(usize, &Chat), u32> {
        if !self.apps[by.app].bot {
            return Err(230006);
        }
        let step = number(message, "message").filter(|step| self.messages.contains_key(step));
        let step = step.ok_or(99992354u32)?;
        let chat = self.spoken_in(by, &self.messages[&step].chat, act, elsewhere)?;
        Ok((step, chat))
    }

    /// A person or a bot as an app sees them: the id, its form, and the kind.
    fn party(&self, app: usize, member: &str) -> (String, &'static str, &'static str) {
        match number(member, "user") {
            Some(user) => (format!("<open:{app}.{user}>"), "open_id", "user"),
            None => (member.to_owned(), "app_id", "app"),
        }
    }

    fn show_message(&self, app: usize, step: usize) -> Value {
        let message = &self.messages[&step];
        let (sender, id_type, sender_type) = self.party(app, &message.sender);
        let content = if message.recalled {
            json!("This message was recalled")
        } else {
            json!({JSON: {"text": message.text}})
        };
        let mut shown = json!({
            "body": {"content": content}, "chat_id": message.chat, "create_time": message.sent.to_string(),
            "deleted": message.recalled, "message_id": id(step), "msg_type": "text",
            "sender": {
                "id": sender, "id_type": id_type, "sender_type": sender_type,
                "tenant_key": format!("<tenant:{}>", self.chats[&message.chat].tenant),
            },
            "update_time": message.updated.to_string(), "updated": message.edits > 0,
        });
        for (name, of) in [("root_id", message.root), ("parent_id", message.parent)] {
            if let Some(of) = of {
                shown[name] = json!(id(of));
            }
        }
        if let Some(thread) = &message.thread {
            shown["thread_id"] = json!(thread);
        }
        shown
    }

    pub(super) fn send(&mut self, by: Actor, chat: &str, text: Option<&str>, uuid: Option<&str>) -> Outcome {
        if !self.apps[by.app].bot {
            return Err(230006);
        }
        let found = self.spoken_in(by, chat, Act::Write, 230001)?;
        let topics = found.mode == "topic" || found.message_type == "thread";
        let thread = topics.then(|| format!("<thread:{}>", self.step));
        self.post(by, chat, text, uuid, |_| (thread, false, None, None))
    }

    pub(super) fn reply(&mut self, by: Actor, to: &str, in_thread: bool, uuid: Option<&str>) -> Outcome {
        let (step, _) = self.message(by, to, Act::Write, 230001)?;
        let to = self.messages[&step].clone();
        if to.recalled {
            return Err(230011);
        }
        let topics = self.chats[&to.chat].mode == "topic" || self.chats[&to.chat].message_type == "thread";
        let text = format!("re {step}");
        self.post(by, &to.chat, Some(&text), uuid, |model| {
            if to.thread.is_none() && !in_thread && !topics {
                return (None, false, to.root.or(Some(step)), Some(step));
            }
            let fresh = format!("<thread:{}>", model.step);
            let thread = to.thread.unwrap_or(fresh);
            if let Some(to) = model.messages.get_mut(&step) {
                to.thread = Some(thread.clone());
            }
            let root = if to.only_in_thread { to.root } else { Some(step) };
            (Some(thread), true, root, root)
        })
    }

    /// Sends a message, unless its uuid stands for one. `spot` opens a thread if needed, and returns it, whether only it
    /// lists the message, the root and the parent.
    fn post(
        &mut self,
        by: Actor,
        chat: &str,
        text: Option<&str>,
        uuid: Option<&str>,
        spot: impl FnOnce(&mut Model) -> (Option<String>, bool, Option<usize>, Option<usize>),
    ) -> Outcome {
        let key = uuid.map(|uuid| (by.app, by.member(), uuid.to_owned()));
        let first = key.as_ref().and_then(|key| self.message_uuids.get(key));
        if let Some((first, _)) = first.filter(|(_, until)| *until > self.now) {
            return Ok(self.show_message(by.app, *first));
        }
        let text = text.ok_or(230001u32)?.to_owned();
        let (thread, only_in_thread, root, parent) = spot(self);
        let (step, now) = (self.step, self.now);
        let message = Message {
            chat: chat.to_owned(),
            thread,
            only_in_thread,
            root,
            parent,
            text,
            sender: by.member(),
            sent: now,
            updated: now,
            edits: 0,
            recalled: false,
            pin: None,
        };
        self.messages.insert(step, message);
        if let Some(chat) = self.chats.get_mut(chat).filter(|chat| chat.active < now - MINUTE_MS) {
            chat.active = now;
        }
        if let Some(key) = key {
            self.message_uuids.insert(key, (step, now + HOUR_MS));
        }
        Ok(self.show_message(by.app, step))
    }

    pub(super) fn get_message(&self, by: Actor, message: &str) -> Outcome {
        let (step, _) = self.message(by, message, Act::Read, 230001)?;
        Ok(json!({"items": [self.show_message(by.app, step)]}))
    }

    pub(super) fn list_messages(&self, by: Actor, chat: &str, newest_first: bool, size: usize) -> Outcome {
        if !self.apps[by.app].bot {
            return Err(230006);
        }
        self.spoken_in(by, chat, Act::Read, 230001)?;
        let listed =
            self.messages.iter().filter(|(_, message)| message.chat == chat && !message.only_in_thread);
        let mut items: Vec<Value> = listed.map(|(step, _)| self.show_message(by.app, *step)).collect();
        if newest_first {
            items.reverse();
        }
        Ok(pages(items, size))
    }

    pub(super) fn edit_message(&mut self, by: Actor, message: &str, text: &str) -> Outcome {
        // Only for the token of a tenant.
        if by.user.is_some() {
            return Err(99991668);
        }
        let (step, _) = self.message(by, message, Act::Write, 230001)?;
        let now = self.now;
        let Some(message) = self.messages.get_mut(&step) else { return Err(99992354) };
        if message.recalled {
            return Err(230011);
        }
        if message.sender != by.member() {
            return Err(230071);
        }
        if now - message.sent > DAY_MS {
            return Err(230075);
        }
        if message.edits >= EDITS {
            return Err(230072);
        }
        text.clone_into(&mut message.text);
        message.edits += 1;
        message.updated = now;
        Ok(self.show_message(by.app, step))
    }

    pub(super) fn recall(&mut self, by: Actor, message: &str) -> Outcome {
        let (step, chat) = self.message(by, message, Act::Write, 230001)?;
        let managed = chat.mode != "p2p" && (chat.is_managed_by(by) || self.is_creator(by, chat));
        let now = self.now;
        let Some(message) = self.messages.get_mut(&step) else { return Err(99992354) };
        if message.recalled {
            return Err(230110);
        }
        let (own, age) = (message.sender == by.member(), now - message.sent);
        if !(own && age <= DAY_MS || managed && age <= YEAR_MS) {
            return Err(if own || managed { 230009 } else { 230026 });
        }
        (message.recalled, message.updated, message.pin) = (true, now, None);
        Ok(json!({}))
    }

    /// The step of a message that takes reactions.
    fn reacted_to(&self, by: Actor, message: &str) -> Result<usize, u32> {
        let (step, _) = self.message(by, message, Act::Write, 231003).map_err(|code| match code {
            230002 => 231002,
            230013 => 231022,
            230027 => 231021,
            other => other,
        })?;
        if self.messages[&step].recalled { Err(231003) } else { Ok(step) }
    }

    fn show_reaction(&self, app: usize, step: usize, reaction: &Reaction) -> Value {
        let (operator, _, kind) = self.party(app, &reaction.operator);
        json!({
            "action_time": reaction.added.to_string(), "reaction_id": format!("<reaction:{step}>"),
            "operator": {"operator_id": operator, "operator_type": kind},
            "reaction_type": {"emoji_type": reaction.emoji},
        })
    }

    pub(super) fn react(&mut self, by: Actor, message: &str, emoji: &str) -> Outcome {
        if !EMOJI.contains(&emoji) {
            return Err(231001);
        }
        let message = self.reacted_to(by, message)?;
        let operator = by.member();
        let same = |reaction: &Reaction| {
            reaction.message == message && reaction.emoji == emoji && reaction.operator == operator
        };
        if let Some((step, reaction)) = self.reactions.iter().find(|(_, reaction)| same(reaction)) {
            return Ok(self.show_reaction(by.app, *step, reaction));
        }
        let reaction = Reaction { message, emoji: emoji.to_owned(), operator, added: self.now };
        let shown = self.show_reaction(by.app, self.step, &reaction);
        self.reactions.insert(self.step, reaction);
        Ok(shown)
    }

    pub(super) fn unreact(&mut self, by: Actor, message: &str, reaction: &str) -> Outcome {
        let message = self.reacted_to(by, message)?;
        let found = number(reaction, "reaction").and_then(|step| Some((step, self.reactions.get(&step)?)));
        let tenant = self.apps[by.app].tenant;
        let home = |message: usize| self.chats[&self.messages[&message].chat].tenant;
        let found = found.filter(|(_, reaction)| home(reaction.message) == tenant);
        let (step, reaction) = found.ok_or(231011u32)?;
        if reaction.message != message {
            return Err(231010);
        }
        if reaction.operator != by.member() {
            return Err(231007);
        }
        let shown = self.show_reaction(by.app, step, reaction);
        self.reactions.remove(&step);
        Ok(shown)
    }

    /// The step of a message that the caller may pin and unpin.
    fn pinnable(&self, by: Actor, message: &str, stands: bool) -> Result<usize, u32> {
        let (step, chat) = self.message(by, message, Act::Write, 230001)?;
        if stands && self.messages[&step].recalled {
            return Err(230011);
        }
        let restricted = chat.is_set("pin_manage_setting", "only_owner") && !chat.is_managed_by(by);
        if restricted { Err(230046) } else { Ok(step) }
    }

    fn show_pin(&self, app: usize, step: usize) -> Value {
        let message = &self.messages[&step];
        let Some((_, operator, at)) = &message.pin else { return Value::Null };
        let (operator, form, _) = self.party(app, operator);
        json!({
            "chat_id": message.chat, "create_time": at.to_string(), "message_id": id(step),
            "operator_id": operator, "operator_id_type": form,
        })
    }

    pub(super) fn pin(&mut self, by: Actor, message: &str) -> Outcome {
        let step = self.pinnable(by, message, true)?;
        let new = (self.step, by.member(), self.now);
        if let Some(message) = self.messages.get_mut(&step) {
            message.pin.get_or_insert(new);
        }
        Ok(json!({"pin": self.show_pin(by.app, step)}))
    }

    pub(super) fn unpin(&mut self, by: Actor, message: &str) -> Outcome {
        let step = self.pinnable(by, message, false)?;
        if let Some(message) = self.messages.get_mut(&step) {
            message.pin = None;
        }
        Ok(json!({}))
    }

    pub(super) fn list_pins(&self, by: Actor, chat: &str, size: usize) -> Outcome {
        if !self.apps[by.app].bot {
            return Err(230006);
        }
        self.spoken_in(by, chat, Act::Read, 230001)?;
        let of_chat = self.messages.iter().filter(|(_, message)| message.chat == chat);
        let mut pinned: Vec<(usize, usize)> =
            of_chat.filter_map(|(step, message)| Some((message.pin.as_ref()?.0, *step))).collect();
        pinned.sort_by_key(|(pin, _)| std::cmp::Reverse(*pin));
        Ok(pages(pinned.into_iter().map(|(_, step)| self.show_pin(by.app, step)).collect(), size))
    }
}

/// A whole list, and the number of items on each of its pages.
#[expect(clippy::needless_pass_by_value, reason = "callers have just made the list")]
fn pages(items: Vec<Value>, size: usize) -> Value {
    let mut pages: Vec<usize> = items.chunks(size.max(1)).map(<[Value]>::len).collect();
    if pages.is_empty() {
        pages.push(0);
    }
    json!({"pages": pages, "items": items})
}
