//! The users of a chat, as its lists of members answer them, and the cursors of these lists.

use std::collections::HashMap;

use larkspur_contract::Fault;
use larkspur_contract::model::UserIdType;
use larkspur_store::chats::Member;
use larkspur_store::members::Cursor;
use larkspur_store::users::User;
use larkspur_store::{Tx, users};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Call, translate};

/// The size of a page, unless the request sets it.
pub(super) const PAGE_DEFAULT: i64 = 20;

/// A user in the chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UserMember {
    /// The form of `member_id`.
    member_id_type: UserIdType,
    /// The user's id.
    member_id: String,
    /// Name.
    name: String,
    /// The user's tenant.
    tenant_key: String,
}

/// Encodes a cursor for a page token.
pub(super) fn write_cursor(cursor: &Cursor) -> String {
    format!("{} {}", cursor.joined_at, cursor.member.to_column())
}

/// Decodes what [`write_cursor`] encodes.
pub(super) fn parse_cursor(text: &str) -> Option<Cursor> {
    let (joined_at, member) = text.split_once(' ')?;
    Some(Cursor { joined_at: joined_at.parse().ok()?, member: Member::parse(member) })
}

/// The users among some members, in their order.
pub(super) async fn show(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    rows: &[Cursor],
) -> Result<Vec<UserMember>, Fault> {
    let ids: Vec<&str> = rows.iter().filter_map(|cursor| cursor.member.user_id()).collect();
    let found = users::by_ids(tx, ids.iter().copied()).await?;
    let found: HashMap<&str, &User> = found.iter().map(|user| (user.user_id.as_str(), user)).collect();
    let tenant_key = tx.tenant().to_string();
    let keys = &tx.engine().keys;
    let items = ids.iter().filter_map(|id| found.get(id)).map(|user| UserMember {
        member_id_type: form,
        member_id: translate::user_id(keys, call, user, form),
        name: user.name.clone(),
        tenant_key: tenant_key.clone(),
    });
    Ok(items.collect())
}
