//! Documents, of which only the collaborators are kept.

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::model::{DocPermission, DocType};

use crate::driver::StoreError;
use crate::{Tx, users};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its token: the last part of its URL.
    pub token: String,
    /// Its kind.
    pub doc_type: DocType,
    /// Its title.
    pub title: String,
    /// Its owner, as a member column; empty means none.
    pub owner: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A collaborator: a user, an app or a chat that may work with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// A user_id, an app id or a chat id; of other kinds, the id as it was sent.
    pub member: String,
    /// The kind of id as it was sent.
    pub member_type: String,
    /// The permission.
    pub permission: DocPermission,
    /// `container` or `single_page`.
    pub perm_type: String,
}

impl Collaborator {
    /// The user, if the collaborator is one: no `user_id` looks like the other kinds of id.
    fn user_id(&self) -> Option<&str> {
        let other = self.member.contains(':')
            || [AppId::PREFIX, ChatId::PREFIX].iter().any(|prefix| self.member.starts_with(prefix));
        (!other).then_some(self.member.as_str())
    }
}

/// A document of the tenant.
pub async fn get(tx: &mut Tx, token: &str) -> Result<Option<Document>, StoreError> {
    let sql = "SELECT token, doc_type, title, owner, status FROM document WHERE tenant = $1 AND token = $2";
    let Some(mut row) = tx.row(sql, [token.into()]).await? else { return Ok(None) };
    Ok(Some(Document {
        token: row.text(0)?,
        doc_type: row.id(1, DocType::parse)?,
        title: row.text(2)?,
        owner: row.text(3)?,
        deleted: row.text(4)? == "deleted",
    }))
}

/// Adds a document; false if the token is taken.
pub async fn insert(tx: &mut Tx, document: &Document, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO document (tenant, token, doc_type, title, owner, status, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, token) DO NOTHING RETURNING token";
    let params = [
        document.token.as_str().into(),
        document.doc_type.as_str().into(),
        document.title.as_str().into(),
        document.owner.as_str().into(),
        if document.deleted { "deleted" } else { "kept" }.into(),
        now_ms.into(),
    ];
    Ok(tx.row(sql, params).await?.is_some())
}

/// Marks a document as deleted, or restores it; false if it does not exist.
pub async fn set_deleted(tx: &mut Tx, token: &str, deleted: bool) -> Result<bool, StoreError> {
    let sql = "UPDATE document SET status = $3 WHERE tenant = $1 AND token = $2 RETURNING token";
    let status = if deleted { "deleted" } else { "kept" };
    Ok(tx.row(sql, [token.into(), status.into()]).await?.is_some())
}

/// Adds a collaborator, or changes its permission. A user who is deleted at the same moment is not left as one.
pub async fn set_collaborator(
    tx: &mut Tx,
    token: &str,
    collaborator: &Collaborator,
) -> Result<(), StoreError> {
    users::hold(tx, collaborator.user_id()).await?;
    let sql = "INSERT INTO document_member (tenant, token, member, member_type, perm, perm_type) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, token, member) DO UPDATE SET member_type = excluded.member_type, perm = excluded.perm, \
               perm_type = excluded.perm_type";
    let params = [
        token.into(),
        collaborator.member.as_str().into(),
        collaborator.member_type.as_str().into(),
        collaborator.permission.as_str().into(),
        collaborator.perm_type.as_str().into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Changes a collaborator's permission; without a `perm_type` it keeps its own. False if it is not a collaborator.
pub async fn change_collaborator(
    tx: &mut Tx,
    token: &str,
    member: &str,
    permission: DocPermission,
    perm_type: Option<String>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE document_member SET perm = $4, perm_type = COALESCE(CAST($5 AS TEXT), perm_type) \
               WHERE tenant = $1 AND token = $2 AND member = $3 RETURNING member";
    let params = [token.into(), member.into(), permission.as_str().into(), perm_type.into()];
    Ok(tx.row(sql, params).await?.is_some())
}

/// Removes a collaborator; false if it is not one.
pub async fn remove_collaborator(tx: &mut Tx, token: &str, member: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM document_member WHERE tenant = $1 AND token = $2 AND member = $3 RETURNING member";
    Ok(tx.row(sql, [token.into(), member.into()]).await?.is_some())
}

/// The collaborators of a document, in the order of their ids.
pub async fn collaborators(tx: &mut Tx, token: &str) -> Result<Vec<Collaborator>, StoreError> {
    let sql = "SELECT member, member_type, perm, perm_type FROM document_member WHERE tenant = $1 AND token = $2 ORDER BY member";
    let rows = tx.rows(sql, [token.into()]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Collaborator {
                member: row.text(0)?,
                member_type: row.text(1)?,
                permission: row.id(2, DocPermission::parse)?,
                perm_type: row.text(3)?,
            })
        })
        .collect()
}

/// A member's highest permission for a document, in person or through a chat that it is in.
pub async fn permission_of(
    tx: &mut Tx,
    token: &str,
    member: &str,
) -> Result<Option<DocPermission>, StoreError> {
    let sql = "SELECT d.perm FROM document_member d WHERE d.tenant = $1 AND d.token = $2 AND (d.member = $3 OR d.member IN \
               (SELECT c.chat_id FROM chat_member c JOIN chat h ON h.tenant = c.tenant AND h.chat_id = c.chat_id \
               WHERE c.tenant = $1 AND c.member = $3 AND h.chat_status = 'normal'))";
    let rows = tx.rows(sql, [token.into(), member.into()]).await?;
    let mut held = Vec::with_capacity(rows.len());
    for mut row in rows {
        held.push(row.id(0, DocPermission::parse)?);
    }
    let rank = |permission: &DocPermission| match permission {
        DocPermission::View => 0,
        DocPermission::Edit => 1,
        DocPermission::FullAccess => 2,
    };
    Ok(held.into_iter().max_by_key(rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_distinguished_from_other_collaborators() {
        for (member, user) in [
            ("4d7a3c6g", true),
            ("anna.b@example-corp_1", true),
            ("cli_0123456789abcdef", false),
            ("oc_0123456789abcdef0123456789abcdef", false),
            ("email:anna@example.com", false),
        ] {
            let collaborator = Collaborator {
                member: member.to_owned(),
                member_type: String::new(),
                permission: DocPermission::View,
                perm_type: String::new(),
            };
            assert_eq!(collaborator.user_id().is_some(), user, "{member}");
        }
    }
}
