//! Joining chats, leaving them and managing them.

use serde_json::json;

use super::enter::Who;
use super::{Actor, Chat, Form, Membership, Model, Outcome, number};

/// The distinct ids of a list; its maximum length depends on the form.
fn distinct(form: Form, ids: &[String]) -> Result<Vec<&String>, u32> {
    if ids.is_empty() {
        return Err(232027);
    }
    if ids.len() > if form == Form::App { 5 } else { 50 } {
        return Err(232001);
    }
    let mut distinct: Vec<&String> = Vec::new();
    for id in ids {
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    Ok(distinct)
}

impl Chat {
    pub(super) fn users(&self) -> usize {
        self.members.keys().filter(|member| number(member, "user").is_some()).count()
    }
}

impl Model {
    /// The chat, if its members can change and the caller is one of them.
    fn group(&self, by: Actor, chat: &str, two_parties: u32) -> Result<&Chat, u32> {
        let chat = self.joined(by, chat)?;
        if chat.mode == "p2p" { Err(two_parties) } else { Ok(chat) }
    }

    /// Whether a chat has room for these.
    pub(super) fn fits(&self, chat: &Chat, new: &[String]) -> bool {
        let users = new.iter().filter(|member| number(member, "user").is_some()).count();
        users == 0 || chat.tenant != 0 || chat.users() + users <= self.chat_users
    }

    pub(super) fn let_in(&mut self, id: &str, members: &[String]) {
        let joined = self.now;
        let Some(chat) = self.chats.get_mut(id) else { return };
        for member in members {
            chat.members.entry(member.clone()).or_insert(Membership { manager: false, joined });
            chat.pending.remove(member);
        }
    }

    pub(super) fn add_members(
        &mut self,
        by: Actor,
        form: Form,
        id: &str,
        ids: &[String],
        kind: usize,
    ) -> Outcome {
        let chat = self.group(by, id, 232090)?;
        let manages = chat.is_managed_by(by);
        if chat.is_set("add_member_permission", "only_owner") && !manages && !self.is_creator(by, chat) {
            return Err(232017);
        }
        let (mut welcome, mut invalid, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for id in distinct(form, ids)? {
            let who = self.who(by.app, form, id);
            // Why it cannot join, if it cannot; users who resigned are always listed.
            let (list, why) = match &who {
                Who::User(user) if self.users[*user].resigned => (&mut invalid, None),
                Who::User(user) if by.user.is_none() && !self.sees_app(*user, by.app) => {
                    (&mut invalid, Some(232024))
                }
                Who::Bot(app) if !self.apps[*app].bot => (&mut invalid, Some(232043)),
                Who::Bot(app) if chat.external && !self.apps[*app].external_sharing => {
                    (&mut invalid, Some(232033))
                }
                Who::User(_) | Who::Bot(_) => {
                    welcome.push((id, who.member().unwrap_or_default()));
                    continue;
                }
                Who::Unknown if form == Form::App => (&mut absent, Some(232043)),
                Who::Unknown if form == Form::Union => (&mut absent, Some(99992364)),
                Who::OtherApp | Who::Unknown => (&mut absent, Some(Model::unknown(form, &who))),
            };
            if let (0, Some(code)) = (kind, why) {
                return Err(code);
            }
            list.push(id);
        }
        if kind == 2 && !(invalid.is_empty() && absent.is_empty()) {
            return Err(232043);
        }
        if kind != 1 && welcome.is_empty() {
            return Err(232027);
        }
        welcome.retain(|(_, member)| !chat.members.contains_key(member));
        let (asked, new): (Vec<&String>, Vec<String>) = welcome.into_iter().unzip();
        let waits = chat.is_set("membership_approval", "approval_required") && !manages;
        if !waits && !self.fits(chat, &new) {
            return Err(232044);
        }
        let pending = if waits { asked } else { Vec::new() };
        let shown = json!({"invalid_id_list": invalid, "not_existed_id_list": absent, "pending_approval_id_list": pending});
        if !waits {
            self.let_in(id, &new);
        } else if let Some(chat) = self.chats.get_mut(id) {
            chat.pending.extend(new);
        }
        Ok(shown)
    }

    pub(super) fn remove_members(&mut self, by: Actor, form: Form, id: &str, ids: &[String]) -> Outcome {
        let chat = self.group(by, id, 232007)?;
        let me = by.member();
        let named: Vec<(&String, Option<String>)> =
            distinct(form, ids)?.into_iter().map(|one| (one, self.who(by.app, form, one).member())).collect();
        let others = named.iter().any(|(_, member)| member.as_ref() != Some(&me));
        if others && !chat.is_managed_by(by) && !self.is_creator(by, chat) {
            return Err(232014);
        }
        let inside =
            |member: &Option<String>| member.as_ref().is_some_and(|one| chat.members.contains_key(one));
        let (leaving, strangers): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(_, member)| inside(member));
        if leaving.is_empty() {
            return Err(232027);
        }
        if leaving.iter().any(|(_, member)| *member == chat.owner) {
            let alone = chat.owner.as_ref() == Some(&me) && chat.members.len() == 1;
            return Err(if alone { 232029 } else { 232076 });
        }
        let strangers: Vec<&String> = strangers.into_iter().map(|(id, _)| id).collect();
        let leaving: Vec<String> = leaving.into_iter().filter_map(|(_, member)| member).collect();
        if let Some(chat) = self.chats.get_mut(id) {
            chat.members.retain(|member, _| !leaving.contains(member));
            if chat.members.is_empty() {
                chat.status = "dissolved".to_owned();
            }
        }
        Ok(json!({"invalid_id_list": strangers}))
    }

    pub(super) fn is_in_chat(&self, by: Actor, chat: &str) -> Outcome {
        let chat = self.visible(by, chat)?;
        Ok(json!({"is_in_chat": chat.has(by) && chat.status == "normal"}))
    }

    pub(super) fn join(&mut self, by: Actor, id: &str) -> Outcome {
        let chat = self.find(by, id)?;
        if chat.status != "normal" {
            return Err(232009);
        }
        if chat.mode == "p2p" || chat.chat_type != "public" || chat.external {
            return Err(232008);
        }
        if chat.has(by) {
            return Ok(json!({}));
        }
        if chat.is_set("membership_approval", "approval_required") {
            return Err(232075);
        }
        let new = [by.member()];
        if !self.fits(chat, &new) {
            return Err(232013);
        }
        self.let_in(id, &new);
        Ok(json!({}))
    }

    /// Makes members managers, or no longer managers.
    pub(super) fn appoint(
        &mut self,
        by: Actor,
        form: Form,
        id: &str,
        ids: &[String],
        manager: bool,
    ) -> Outcome {
        let unlisted = |code| if code == 232006 || code == 232010 { 232001 } else { code };
        let chat = self.enter(by, id).map_err(unlisted)?;
        if chat.mode == "p2p" {
            return Err(232001);
        }
        let owned_by_a_user = chat.owner.as_ref().is_some_and(|owner| number(owner, "user").is_some());
        let made = by.user.is_none() && chat.creator == Some(by.app);
        let itself = made && !owned_by_a_user && form == Form::App;
        let me = by.member();
        let alone = itself && !ids.is_empty() && ids.iter().all(|id| *id == me);
        if !chat.is_owned_by(by) && !alone {
            return Err(232038);
        }
        let mut named = Vec::new();
        for id in distinct(form, ids)? {
            let who = self.who(by.app, form, id);
            match who.member() {
                None if form == Form::App => {}
                None => return Err(Model::unknown(form, &who)),
                Some(member) => named.push(member),
            }
        }
        let may = |member: &String| chat.owner.as_ref() != Some(member) || (itself && *member == me);
        named.retain(|member| chat.members.contains_key(member) && may(member));
        if named.is_empty() {
            return Err(232027);
        }
        if let Some(chat) = self.chats.get_mut(id) {
            for (_, member) in chat.members.iter_mut().filter(|(member, _)| named.contains(member)) {
                member.manager = manager;
            }
        }
        let (users, bots) = self.managers(by.app, form, &self.chats[id]);
        Ok(json!({"chat_managers": users, "chat_bot_managers": bots}))
    }
}
