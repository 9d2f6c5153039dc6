//! Members of chats and holders of rights.

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
    /// Its form in a column.
    pub fn to_column(&self) -> String {
        match self {
            Member::User(user_id) => user_id.clone(),
            Member::Bot(app_id) => app_id.to_string(),
        }
    }

    /// The user's own id; `None` for a bot.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Member::User(user_id) => Some(user_id),
            Member::Bot(_) => None,
        }
    }

    /// Parses the form in a column. No user_id may look like an app id; `users` checks this.
    pub fn parse(text: &str) -> Self {
        AppId::parse(text).map_or_else(|| Member::User(text.to_owned()), Member::Bot)
    }
}
