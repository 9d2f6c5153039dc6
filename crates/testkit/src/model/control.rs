//! Changes of a tenant through the control API.

use serde_json::Value;

use super::{Chat, Image, Membership, Model, Op, Outcome};

/// The control API's refusals: an invalid value, and an unknown id.
const INVALID: u32 = 5275400;
const NOT_FOUND: u32 = 5275404;

impl Model {
    /// An operation of the control API.
    pub(super) fn control(&mut self, op: &Op) -> Outcome {
        let now = self.now;
        match op {
            Op::DeleteImage { image } => {
                let home = |image: &&mut Image| self.apps[image.app].tenant == 0;
                self.images.get_mut(image).filter(home).ok_or(NOT_FOUND)?.deleted = true;
            }
            Op::SetApp { app, bot, external_sharing, as_owner, visible_to } => {
                let app = &mut self.apps[*app];
                (app.bot, app.external_sharing, app.as_owner) = (*bot, *external_sharing, *as_owner);
                app.visible_to = visible_to.as_ref().map(|users| users.iter().copied().collect());
            }
            Op::SetMember { tenant, chat, member, manager } => {
                let chat = self.controlled(*tenant, chat)?;
                if chat.mode == "p2p" && !chat.members.contains_key(member) {
                    return Err(INVALID);
                }
                let membership = Membership { manager: *manager, joined: now };
                chat.members.entry(member.clone()).or_insert(membership).manager = *manager;
                chat.pending.remove(member);
            }
            Op::DropMember { tenant, chat, member } => {
                let chat = self.controlled(*tenant, chat)?;
                if !chat.members.contains_key(member) {
                    return Err(NOT_FOUND);
                }
                if chat.mode == "p2p" {
                    return Err(INVALID);
                }
                chat.members.remove(member);
                chat.owner = chat.owner.take().filter(|owner| owner != member);
            }
            Op::Answer { tenant, chat: id, member, welcome } => {
                let chat = self.controlled(*tenant, id)?;
                if !chat.pending.contains(member) {
                    return Err(NOT_FOUND);
                }
                let new = std::slice::from_ref(member);
                if !*welcome {
                    chat.pending.remove(member);
                } else if self.fits(&self.chats[id], new) {
                    self.let_in(id, new);
                } else {
                    return Err(INVALID);
                }
            }
            Op::SetChat { tenant, chat, status, only_owner_manages, owner, announcement, settings } => {
                let chat = self.controlled(*tenant, chat)?;
                if let Some(owner) = owner {
                    if chat.mode == "p2p" && !chat.members.contains_key(owner) {
                        return Err(INVALID);
                    }
                    let membership = Membership { manager: false, joined: now };
                    chat.members.entry(owner.clone()).or_insert(membership);
                    chat.pending.remove(owner);
                    chat.owner = Some(owner.clone());
                }
                status.clone_into(&mut chat.status);
                chat.only_owner_manages = *only_owner_manages;
                for (name, value) in settings {
                    chat.settings.insert((*name).to_owned(), Value::from(*value));
                }
                if let Some((kind, locked)) = announcement {
                    kind.clone_into(&mut chat.announcement.kind);
                    chat.announcement.locked = *locked;
                }
            }
            _ => {}
        }
        Ok(Value::Null)
    }

    fn controlled(&mut self, tenant: usize, id: &str) -> Result<&mut Chat, u32> {
        self.chats.get_mut(id).filter(|chat| chat.tenant == tenant).ok_or(NOT_FOUND)
    }
}
