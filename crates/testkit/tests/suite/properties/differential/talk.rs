//! Random operations on messages, reactions and pins.

use larkspur_testkit::model::{Actor, Change, Form, Model, Op};
use serde_json::json;

use super::draw::Draw;

impl Draw<'_> {
    /// `by` is an actor of the chat.
    pub(super) fn message_op(&mut self, by: Actor, chat: String) -> Op {
        match self.random.below(40) {
            0..9 => {
                let chat = if self.slip(20) { self.any_chat() } else { chat };
                let text = if self.slip(8) { None } else { Some(format!("t{}", self.random.below(100))) };
                return Op::Send { by, chat, text, uuid: self.message_uuid() };
            }
            9..12 => {
                return Op::ListMessages { by, chat, newest_first: self.chance(50), size: 1 + self.index(6) };
            }
            12..14 => return Op::ListPins { by, chat, size: 1 + self.index(3) },
            14 => {
                let who = self.one(&["only_owner", "only_owner", "all_members"]);
                let settings = vec![("pin_manage_setting", json!(who))];
                let change = Change { settings, ..Change::default() };
                return Op::UpdateChat { by, form: Form::Open, chat, change };
            }
            15..17 => {
                let chat = self.chat_that(Model::restricts_pins);
                return Op::Pin { by: self.plain_member(&chat), message: self.some_message(&chat) };
            }
            17..20 => return self.unreact(),
            _ => {}
        }
        let message = self.some_message(&chat);
        let origin =
            self.model.origin_of(&message).map(|(chat, sender)| (chat.to_owned(), sender.to_owned()));
        let (chat, sender) = origin.unwrap_or_else(|| (chat, String::new()));
        let by = self.actor(&chat);
        let own = if self.chance(70) { self.acting_as(&sender).unwrap_or(by) } else { by };
        match self.random.below(20) {
            0..5 => Op::Reply { by, message, in_thread: self.chance(40), uuid: self.message_uuid() },
            5..7 => Op::GetMessage { by, message },
            7..10 => {
                // Mostly the bot, since no user may.
                let bot = if self.slip(20) { own } else { Actor::bot(own.app) };
                Op::EditMessage { by: bot, message, text: format!("e{}", self.random.below(100)) }
            }
            10..12 => Op::Recall { by: own, message },
            12..16 => {
                let emoji = self.of(3, &["OK", "SMILE", "THUMBSUP", "NOPE"]).to_owned();
                Op::React { by, message, emoji }
            }
            16..19 => Op::Pin { by, message },
            _ => Op::Unpin { by, message },
        }
    }

    fn unreact(&mut self) -> Op {
        let known = self.model.all_reactions();
        if known.is_empty() {
            let message = self.some_message("");
            return Op::Unreact { by: Actor::bot(0), message, reaction: "x".to_owned() };
        }
        let (reaction, message, operator) = known[self.index(known.len())].clone();
        let chat = self.model.origin_of(&message).map(|(chat, _)| chat.to_owned()).unwrap_or_default();
        let by = self.actor(&chat);
        let by = if self.slip(50) { by } else { self.acting_as(&operator).unwrap_or(by) };
        let message = if self.slip(30) { self.some_message(&chat) } else { message };
        let reaction = if self.slip(10) { "x".to_owned() } else { reaction };
        Op::Unreact { by, message, reaction }
    }

    fn message_uuid(&mut self) -> Option<String> {
        self.maybe(25, |draw| format!("m{}", draw.random.below(3)))
    }

    /// Mostly a recent message of a chat.
    fn some_message(&mut self, chat: &str) -> String {
        let here = self.model.messages_of(Some(chat));
        let any = here.is_empty() || self.slip(20);
        let ids = if any { self.model.messages_of(None) } else { here };
        let recent = if self.chance(60) { ids.len().saturating_sub(3) } else { 0 };
        self.known(&ids[recent..], &["om_1", "om_00000000000000000000000000000000", "x"])
    }

    /// An actor that is this member.
    fn acting_as(&mut self, member: &str) -> Option<Actor> {
        let same: Vec<Actor> = super::ACTORS.into_iter().filter(|actor| actor.member() == member).collect();
        if same.is_empty() { None } else { Some(same[self.index(same.len())]) }
    }
}
