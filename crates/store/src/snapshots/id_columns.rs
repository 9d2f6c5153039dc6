//! Which columns hold ids, for clones: in these columns a clone has other values than its source.

/// What a column holds. In all of them, an empty text, a 0 and NULL are no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The id of an app, or one in the form of an app's.
    App,
    /// A user_id.
    User,
    /// The user_id of a user or the id of an app.
    Member,
    /// Two members with a blank between them, the lesser first.
    Parties,
    /// The id of a chat.
    Chat,
    /// A snowflake.
    Number,
    /// The number of a custom bot.
    Hook,
    /// A random text of any form.
    Key,
    /// A message_id.
    Message,
    /// A text that may be an id, alone or at the end of a URL.
    Maybe,
    /// JSON, in which a whole value may be an id.
    Json,
}

use Holds::{App, Chat, Hook, Json, Key, Maybe, Member, Message, Number, Parties, User};

/// Tables that a clone does not have: what was given out for the source's ids, and the history of its events.
pub(super) const LEFT_OUT: [&str; 7] = [
    "token_issue",
    "oauth_code",
    "oauth_refresh",
    "idempotency",
    "message_uuid",
    "card_token",
    "event_delivery",
];

/// The columns with ids of every other table.
pub(super) const ID_COLUMNS: &[(&str, &[(&str, Holds)])] = &[
    ("event_subscriber", &[("app_id", App)]),
    ("delivery_steering", &[("app_id", App)]),
    ("app_events", &[("app_id", App)]),
    ("app", &[("app_id", App), ("owner", User)]),
    ("app_install", &[("app_id", App)]),
    ("app_visible_user", &[("app_id", App), ("user_id", User)]),
    ("users", &[("user_id", User), ("user_no", Number), ("profile", Json)]),
    ("user_term", &[("user_id", User)]),
    ("user_grant", &[("app_id", App), ("user_id", User)]),
    (
        "chat",
        &[
            ("chat_id", Chat),
            ("avatar", Maybe),
            ("owner", Member),
            ("creator_app", App),
            ("settings", Json),
            ("parties", Parties),
        ],
    ),
    ("chat_member", &[("chat_id", Chat), ("member", Member)]),
    ("chat_pending", &[("chat_id", Chat), ("member", Member), ("inviter", Member)]),
    ("chat_moderator", &[("chat_id", Chat), ("member", Member)]),
    ("chat_name_lock", &[("chat_id", Chat)]),
    ("chat_tab", &[("chat_id", Chat), ("tab_id", Number), ("target", Maybe), ("icon_key", Maybe)]),
    (
        "chat_menu",
        &[
            ("chat_id", Chat),
            ("menu_id", Number),
            ("parent", Number),
            ("redirect_link", Json),
            ("image_key", Maybe),
        ],
    ),
    ("chat_announcement", &[("chat_id", Chat), ("content", Json), ("modifier", Member)]),
    ("chat_announcement_edit", &[("chat_id", Chat), ("requests", Json), ("editor", Member)]),
    ("docx_announcement", &[("chat_id", Chat), ("modifier", Member)]),
    ("docx_block", &[("chat_id", Chat), ("block_id", Key), ("parent_id", Key), ("content", Json)]),
    ("docx_block_past", &[("chat_id", Chat), ("block_id", Key), ("parent_id", Key), ("content", Json)]),
    ("docx_media", &[("file_token", Key), ("block_id", Key)]),
    ("chat_term", &[("chat_id", Chat)]),
    ("chat_link", &[("token", Key), ("chat_id", Chat), ("creator", Member)]),
    ("chat_hold", &[("chat_id", Chat)]),
    ("chat_top_notice", &[("chat_id", Chat), ("message_id", Message)]),
    ("chat_hook", &[("hook_no", Hook), ("chat_id", Chat), ("shown_as", App)]),
    ("tag", &[("tag_id", Number), ("app_id", App)]),
    ("chat_tag_binding", &[("chat_id", Chat), ("tag_id", Number)]),
    ("card", &[("card_id", Number), ("app_id", App), ("content", Json), ("message", Number)]),
    (
        "ephemeral_card",
        &[("number", Number), ("chat_id", Chat), ("app_id", App), ("user_id", User), ("content", Json)],
    ),
    ("own_card", &[("message", Number), ("reader", User), ("reader_no", Number), ("content", Json)]),
    ("image", &[("image_key", Key), ("app_id", App)]),
    ("stored_file", &[("file_key", Key), ("app_id", App)]),
    ("document", &[("token", Key), ("owner", Member)]),
    ("document_member", &[("token", Key), ("member", Maybe)]),
    (
        "message",
        &[
            ("number", Number),
            ("chat_id", Chat),
            ("thread_id", Key),
            ("root", Number),
            ("parent", Number),
            ("upper", Number),
            ("bundle", Number),
            ("content", Json),
            ("mentions", Json),
            ("sender", Member),
            ("sender_no", Number),
            ("app_id", App),
            ("recalled_by", Member),
        ],
    ),
    (
        "message_reaction",
        &[("number", Number), ("message", Number), ("operator", Member), ("operator_no", Number)],
    ),
    ("message_read", &[("message", Number), ("reader", User), ("reader_no", Number)]),
    (
        "pin",
        &[
            ("message", Number),
            ("chat_id", Chat),
            ("number", Number),
            ("operator", Member),
            ("operator_no", Number),
        ],
    ),
    ("urgent", &[("message", Number), ("user_id", User)]),
    ("follow_up", &[("message", Number), ("content", Json)]),
    ("batch_message", &[("batch_id", Key), ("app_id", App)]),
    ("batch_part", &[("message", Number), ("batch_id", Key), ("user_id", User)]),
    ("tenant_limit", &[]),
    ("planned_refusal", &[]),
    // The ids of rules are names that a test chooses.
    ("fault_count", &[]),
    ("app_sign_in", &[("app_id", App)]),
    ("tenant", &[("faults", Json)]),
];

/// What a column of a table holds; `None` for no id.
pub(super) fn holds(table: &str, column: &str) -> Option<Holds> {
    let (_, columns) = ID_COLUMNS.iter().find(|(name, _)| *name == table)?;
    columns.iter().find(|(name, _)| *name == column).map(|(_, holds)| *holds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::held::held;
    use super::*;

    #[test]
    fn every_table_is_known_with_its_columns() {
        let held = held().expect("tables");
        let known: BTreeSet<&str> =
            ID_COLUMNS.iter().map(|(table, _)| *table).chain(LEFT_OUT.iter().copied()).collect();
        let all: BTreeSet<&str> = held.iter().map(|table| table.name).collect();
        assert_eq!(known, all, "a new table names its columns with ids, or is left out of clones");
        for (name, columns) in ID_COLUMNS {
            let table = held.iter().find(|table| table.name == *name).expect(name);
            for (column, _) in *columns {
                assert!(table.columns.iter().any(|known| known == column), "{name}.{column}");
            }
            // The names that ids have everywhere.
            for column in &table.columns {
                let usual = ["chat_id", "app_id", "user_id", "member", "message", "tag_id", "number"];
                let is_listed = columns.iter().any(|(known, _)| known == column);
                assert!(is_listed || !usual.contains(&column.as_str()), "{name}.{column}");
            }
        }
    }
}
