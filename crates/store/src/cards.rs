//! Entities of the card kit, and the tokens of clicks on cards.

use larkspur_contract::ids::{AppId, CardId};

use crate::driver::StoreError;
use crate::messages::told;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{Change, Row, Tx, Value};

/// An entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub card_id: CardId,
    /// The app that made it.
    pub app_id: AppId,
    /// Its JSON: a card's, or `{"type":"template","data":{…}}`.
    pub content: String,
    /// The sequence of its last change; 0 if it was never changed.
    pub sequence: i64,
    /// Until when text is streamed into it, in the tenant's time; 0 if it is not.
    pub streaming_until: i64,
    /// When it was made, in the tenant's time.
    pub created_at: i64,
    /// The number of the message that it was sent with; 0 if it was not sent.
    pub message: i64,
}

const COLUMNS: &str = "card_id, app_id, content, sequence, streaming_until, created_at, message";

fn card(mut row: Row) -> Result<Card, StoreError> {
    Ok(Card {
        card_id: CardId(row.int(0)?),
        app_id: row.id(1, AppId::parse)?,
        content: row.text(2)?,
        sequence: row.int(3)?,
        streaming_until: row.int(4)?,
        created_at: row.int(5)?,
        message: row.int(6)?,
    })
}

/// Adds an entity.
pub async fn insert(tx: &mut Tx, card: &Card) -> Result<(), StoreError> {
    let sql = "INSERT INTO card (tenant, card_id, app_id, content, sequence, streaming_until, created_at, message) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING card_id";
    let row = vec![
        card.card_id.into(),
        card.app_id.into(),
        card.content.as_str().into(),
        card.sequence.into(),
        card.streaming_until.into(),
        card.created_at.into(),
        card.message.into(),
    ];
    tx.insert(sql, row).await.map(drop)
}

/// Reads an entity.
pub async fn get(tx: &mut Tx, id: CardId) -> Result<Option<Card>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM card WHERE tenant = $1 AND card_id = $2");
    tx.row(&sql, [id.into()]).await?.map(card).transpose()
}

/// Locks an entity for a change.
pub async fn lock(tx: &mut Tx, id: CardId) -> Result<Option<Card>, StoreError> {
    let sql =
        format!("UPDATE card SET sequence = sequence WHERE tenant = $1 AND card_id = $2 RETURNING {COLUMNS}");
    tx.row(&sql, [id.into()]).await?.map(card).transpose()
}

/// Writes what a change of a locked entity replaces: content, sequence and streaming.
pub async fn update(tx: &mut Tx, card: &Card) -> Result<(), StoreError> {
    let sql = "UPDATE card SET content = $3, sequence = $4, streaming_until = $5 WHERE tenant = $1 AND card_id = $2";
    let params = [
        card.card_id.into(),
        card.content.as_str().into(),
        card.sequence.into(),
        card.streaming_until.into(),
    ];
    tx.rows(sql, params).await?;
    if card.message != 0 {
        told(tx, card.message, None, Change::Changed);
    }
    Ok(())
}

/// Records the message that an entity is sent with; false if it was sent before, or does not exist.
pub async fn mark_sent(tx: &mut Tx, id: CardId, message: i64) -> Result<bool, StoreError> {
    let sql =
        "UPDATE card SET message = $3 WHERE tenant = $1 AND card_id = $2 AND message = 0 RETURNING card_id";
    Ok(tx.row(sql, [id.into(), message.into()]).await?.is_some())
}

/// The JSON of entities, in any order. Unknown ids are left out.
pub async fn contents(tx: &mut Tx, ids: &[CardId]) -> Result<Vec<(CardId, String)>, StoreError> {
    let mut all = Vec::with_capacity(ids.len());
    for piece in ids.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(2, "BIGINT", &mut values);
        let sql = format!(
            "SELECT c.card_id, c.content FROM {wanted} LEFT JOIN card c ON c.tenant = $1 AND c.card_id = w.column1"
        );
        for mut row in found_rows(tx.rows_of(&sql, values).await?) {
            all.push((CardId(row.int(0)?), row.text(1)?));
        }
    }
    Ok(all)
}

/// A token of a click on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The app that may use it.
    pub app_id: AppId,
    /// The number of the card's message.
    pub message: i64,
    /// When it ends, in the tenant's time.
    pub expires_at: i64,
    /// How often it was used; negative if it was only announced.
    pub uses: i64,
}

impl Token {
    /// Whether its callback was not acknowledged yet.
    pub fn is_pending(&self) -> bool {
        self.uses < 0
    }
}

/// The uses of a token whose callback was not acknowledged yet.
const PENDING: i64 = -1;

/// Adds a token that is about to be sent, and cannot be used before [`add_token`].
pub async fn announce_token(tx: &mut Tx, token: &str, new: &Token) -> Result<(), StoreError> {
    put_token(tx, token, new, PENDING).await
}

/// Adds an unused token, or makes one usable that was announced.
pub async fn add_token(tx: &mut Tx, token: &str, new: &Token) -> Result<(), StoreError> {
    put_token(tx, token, new, new.uses).await
}

async fn put_token(tx: &mut Tx, token: &str, new: &Token, uses: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO card_token (tenant, token, app_id, message, expires_at, uses) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, token) DO UPDATE SET expires_at = excluded.expires_at, uses = excluded.uses";
    let params = [token.into(), new.app_id.into(), new.message.into(), new.expires_at.into(), uses.into()];
    tx.rows(sql, params).await.map(drop)
}

/// Deletes a token.
pub async fn drop_token(tx: &mut Tx, token: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM card_token WHERE tenant = $1 AND token = $2";
    tx.rows(sql, [token.into()]).await.map(drop)
}

/// Locks a token.
pub async fn lock_token(tx: &mut Tx, token: &str) -> Result<Option<Token>, StoreError> {
    let sql = "UPDATE card_token SET uses = uses WHERE tenant = $1 AND token = $2 \
               RETURNING app_id, message, expires_at, uses";
    let Some(mut row) = tx.row(sql, [token.into()]).await? else { return Ok(None) };
    Ok(Some(Token {
        app_id: row.id(0, AppId::parse)?,
        message: row.int(1)?,
        expires_at: row.int(2)?,
        uses: row.int(3)?,
    }))
}

/// Counts a use of a locked token.
pub async fn use_token(tx: &mut Tx, token: &str) -> Result<(), StoreError> {
    let sql = "UPDATE card_token SET uses = uses + 1 WHERE tenant = $1 AND token = $2";
    tx.rows(sql, [token.into()]).await.map(drop)
}
