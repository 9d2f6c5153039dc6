//! Who is in chats and holds rights.

use larkspur_contract::ids::AppId;

/// A member of a chat, or another holder of rights: a user by the tenant's own id, or a bot by its app.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Member {
    /// A user, by user_id.
    User(String),
    /// An app's bot.
    Bot(AppId),
}

impl Member {
    /// The form of a column.
    pub fn to_column(&self) -> String {
        match self {
            Member::User(user_id) => user_id.clone(),
            Member::Bot(app_id) => app_id.to_string(),
        }
    }

    /// The user's own id; none for a bot.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Member::User(user_id) => Some(user_id),
            Member::Bot(_) => None,
        }
    }

    /// Reads the form of a column. No user_id may look like an app id, which `users` is asked to see to.
    pub fn parse(text: &str) -> Self {
        AppId::parse(text).map_or_else(|| Member::User(text.to_owned()), Member::Bot)
    }
}
