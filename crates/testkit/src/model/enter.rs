//! Access to chats, and the ids of chats and people in calls.

use super::{Actor, Chat, Form, Model, Op, number};

/// The person or bot of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// A user.
    User(usize),
    /// A bot.
    Bot(usize),
    /// A user, by the open_id of another app of the tenant.
    OtherApp,
    /// No one.
    Unknown,
}

impl Who {
    /// As a member of chats.
    pub(super) fn member(&self) -> Option<String> {
        match self {
            Who::User(user) => Some(format!("<user:{user}>")),
            Who::Bot(app) => Some(format!("<app:{app}>")),
            Who::OtherApp | Who::Unknown => None,
        }
    }
}

impl Chat {
    pub(super) fn has(&self, by: Actor) -> bool {
        self.members.contains_key(&by.member())
    }

    pub(super) fn is_owned_by(&self, by: Actor) -> bool {
        self.has(by) && self.owner == Some(by.member())
    }

    /// Owner or manager.
    pub(super) fn is_managed_by(&self, by: Actor) -> bool {
        self.is_owned_by(by) || self.members.get(&by.member()).is_some_and(|member| member.manager)
    }

    /// Whether a setting in answers has this value.
    pub(super) fn is_set(&self, setting: &str, value: &str) -> bool {
        self.settings.get(setting).is_some_and(|set| set == value)
    }
}

impl Model {
    /// The chat, whatever the caller's relation to it.
    pub(super) fn find(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        let chat = self.chats.get(chat).ok_or(232006u32)?;
        if !self.apps[by.app].bot {
            return Err(232025);
        }
        if chat.tenant != self.apps[by.app].tenant { Err(232010) } else { Ok(chat) }
    }

    /// The chat, if the caller may read chats of its kind: users may read any.
    pub(super) fn visible(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        if by.user.is_some() { self.find(by, chat) } else { self.shared(by, chat) }
    }

    /// The chat, if the app may work in chats of its kind.
    pub(super) fn shared(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        let chat = self.find(by, chat)?;
        if chat.external && !self.apps[by.app].external_sharing { Err(232033) } else { Ok(chat) }
    }

    /// The chat, if it is active and the caller is in it.
    pub(super) fn joined(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        Model::inside(by, self.shared(by, chat)?)
    }

    fn inside(by: Actor, chat: &Chat) -> Result<&Chat, u32> {
        if chat.status != "normal" {
            return Err(232009);
        }
        if chat.has(by) { Ok(chat) } else { Err(232011) }
    }

    /// As `joined`; and for a p2p chat, only if the user sees the app.
    pub(super) fn enter(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        let chat = self.joined(by, chat)?;
        self.seen(by, chat)
    }

    /// As `joined`, to read the chat.
    pub(super) fn readable(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        Model::inside(by, self.visible(by, chat)?)
    }

    /// As `enter`, to read the chat.
    pub(super) fn look_into(&self, by: Actor, chat: &str) -> Result<&Chat, u32> {
        let chat = self.readable(by, chat)?;
        self.seen(by, chat)
    }

    fn seen<'a>(&self, by: Actor, chat: &'a Chat) -> Result<&'a Chat, u32> {
        if chat.mode == "p2p" && !self.parties_see(chat, by.app) { Err(232024) } else { Ok(chat) }
    }

    pub(super) fn parties_see(&self, chat: &Chat, app: usize) -> bool {
        chat.members.keys().filter_map(|member| number(member, "user")).all(|user| self.sees_app(user, app))
    }

    /// Whether the caller is the bot that made the chat, with the scope to act as its owner.
    pub(super) fn is_creator(&self, by: Actor, chat: &Chat) -> bool {
        by.user.is_none() && chat.creator == Some(by.app) && self.apps[by.app].as_owner
    }

    /// The person or bot that an id names to an app.
    pub(super) fn who(&self, app: usize, form: Form, id: &str) -> Who {
        let tenant = self.apps[app].tenant;
        let pair = |kind: &str| {
            let (first, second) = id.strip_prefix(kind)?.strip_suffix('>')?.split_once('.')?;
            Some((first.parse::<usize>().ok()?, second.parse::<usize>().ok()?))
        };
        match form {
            Form::App => match number(id, "app").filter(|app| self.apps[*app].tenant == tenant) {
                Some(app) => Who::Bot(app),
                None => Who::Unknown,
            },
            Form::User => match number(id, "user").filter(|user| self.users[*user].tenant == tenant) {
                Some(user) => Who::User(user),
                None => Who::Unknown,
            },
            Form::Union => match pair("<union:") {
                Some((of, user)) if of == tenant => Who::User(user),
                _ => Who::Unknown,
            },
            Form::Open => match pair("<open:") {
                Some((of, user)) if of == app => Who::User(user),
                Some((of, _)) if self.apps[of].tenant == tenant => Who::OtherApp,
                _ => Who::Unknown,
            },
        }
    }

    /// A user as an app shows them.
    pub(super) fn shown(&self, app: usize, form: Form, user: usize) -> String {
        match form {
            Form::Union => format!("<union:{}.{user}>", self.apps[app].tenant),
            Form::User => format!("<user:{user}>"),
            Form::Open | Form::App => format!("<open:{app}.{user}>"),
        }
    }

    /// The gateway's refusal of the first unknown id of a person in a request: it comes before all others.
    pub(super) fn untranslated(&self, op: &Op) -> Option<u32> {
        let (app, form, ids, union): (usize, Form, Vec<&String>, u32) = match op {
            Op::CreateChat { app, form, draft, people, .. } => {
                (*app, *form, draft.owner.iter().chain(&people.0).collect(), 99992363)
            }
            Op::UpdateChat { by, form, change, .. } => {
                (by.app, *form, change.owner.iter().collect(), 99992363)
            }
            // Otherwise the answer lists the unknown ids.
            Op::AddMembers { by, form, ids, kind: 0, .. } => (by.app, *form, ids.iter().collect(), 99992364),
            Op::Appoint { by, form, ids, .. } => (by.app, *form, ids.iter().collect(), 99992363),
            _ => return None,
        };
        if form == Form::App || ids.len() > 50 {
            return None;
        }
        let refused = ids.into_iter().map(|id| self.who(app, form, id)).find(|who| who.member().is_none())?;
        Some(if refused == Who::Unknown && form == Form::Union {
            union
        } else {
            Model::unknown(form, &refused)
        })
    }

    /// The gateway's refusal of an unknown id.
    pub(super) fn unknown(form: Form, who: &Who) -> u32 {
        match (form, who) {
            (_, Who::OtherApp) => 99992361,
            (Form::Open | Form::App, _) => 99992351,
            (Form::Union, _) => 99992363,
            (Form::User, _) => 99992360,
        }
    }
}
