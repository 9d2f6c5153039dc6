//! The names of those who are in chats and who send messages.

use std::collections::{BTreeSet, HashMap};

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_store::chats::Member;
use larkspur_store::messages::{Message, Sender};
use larkspur_store::{StoreError, Tx, apps, hooks, users};
use schemars::JsonSchema;
use serde::Serialize;

/// The language of names and cards, unless a call names another one.
pub(super) const LANGUAGE: &str = "en_us";

/// What kind of member or sender it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A user.
    User,
    /// The bot of an app.
    Bot,
    /// A custom bot.
    Hook,
}

impl Kind {
    pub(super) fn of(member: &Member) -> Self {
        match member {
            Member::User(_) => Kind::User,
            Member::Bot(_) => Kind::Bot,
        }
    }
}

/// A member of a chat with its name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Person {
    /// A user_id or an app_id.
    pub(super) member: String,
    /// A user or a bot.
    pub(super) kind: Kind,
    /// Its name; of a deleted user or app its id.
    pub(super) name: String,
}

/// What is said of the sender of a message besides its id.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Author {
    /// A user, a bot or a custom bot.
    pub(super) sender_kind: Kind,
    /// Its name; of a deleted one its id.
    pub(super) sender_name: String,
}

/// Names by id.
#[derive(Default)]
pub(super) struct Names {
    users: HashMap<String, String>,
    bots: HashMap<AppId, String>,
}

impl Names {
    /// The names of some members.
    pub(super) async fn of<'a>(
        tx: &mut Tx,
        members: impl IntoIterator<Item = &'a Member>,
    ) -> Result<Self, StoreError> {
        let (mut people, mut bots) = (BTreeSet::new(), BTreeSet::new());
        for member in members {
            match member {
                Member::User(user_id) => drop(people.insert(user_id.as_str())),
                Member::Bot(app_id) => drop(bots.insert(*app_id)),
            }
        }
        let found = users::by_ids(tx, people).await?;
        let installs = apps::installs(tx, bots).await?;
        Ok(Names {
            users: found.into_iter().map(|user| (user.user_id, user.name)).collect(),
            bots: installs.into_iter().map(|(id, install)| (id, install.name.clone())).collect(),
        })
    }

    /// The names of the senders of messages.
    pub(super) async fn of_senders(tx: &mut Tx, messages: &[Message]) -> Result<Self, StoreError> {
        let senders: Vec<Member> = messages.iter().filter_map(|message| message.sender.member()).collect();
        let mut names = Names::of(tx, &senders).await?;
        let hooked = messages.iter().filter(|message| matches!(message.sender, Sender::Hook(_)));
        let chats: BTreeSet<ChatId> = hooked.map(|message| message.chat_id).collect();
        for chat in chats {
            // The id that a custom bot is shown under is not that of any app.
            let all = hooks::list(tx, chat).await?;
            names.bots.extend(all.into_iter().map(|hook| (hook.shown_as, hook.name)));
        }
        Ok(names)
    }

    /// The name of a member; its id if it has none.
    pub(super) fn name(&self, member: &Member) -> String {
        let found = match member {
            Member::User(user_id) => self.users.get(user_id),
            Member::Bot(app_id) => self.bots.get(app_id),
        };
        found.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| member.to_column())
    }

    /// A member with its name.
    pub(super) fn person(&self, member: &Member) -> Person {
        Person { member: member.to_column(), kind: Kind::of(member), name: self.name(member) }
    }

    /// The kind and the name of the sender of a message.
    pub(super) fn author(&self, sender: &Sender) -> Author {
        let (member, sender_kind) = match sender {
            Sender::User { user_id, .. } => (Member::User(user_id.clone()), Kind::User),
            Sender::Bot(app_id) => (Member::Bot(*app_id), Kind::Bot),
            Sender::Hook(app_id) => (Member::Bot(*app_id), Kind::Hook),
        };
        Author { sender_kind, sender_name: self.name(&member) }
    }
}
