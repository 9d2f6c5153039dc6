-- Entities of the card kit: cards that are changed apart from the messages that show them. `content` is JSON, of a card or of a
-- filled template. `sequence` is that of the last change. `streaming_until` says until when text is streamed into it, in the
-- tenant's time; 0 if it is not. `message` is the number of the message that it was sent with; 0 if it was not sent. A row stays
-- after the entity expires: its message still shows it.
CREATE TABLE card (
    tenant TEXT NOT NULL,
    card_id BIGINT NOT NULL,
    app_id TEXT NOT NULL,
    content TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    streaming_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (tenant, card_id)
);

-- Tokens of clicks on cards: each lets its app replace the card a few times. `message` is the number of the card's message,
-- `expires_at` is in the tenant's time.
CREATE TABLE card_token (
    tenant TEXT NOT NULL,
    token TEXT NOT NULL,
    app_id TEXT NOT NULL,
    message BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (tenant, token)
);
CREATE INDEX card_token_by_end ON card_token (tenant, expires_at);

-- Cards that one person of a group sees. `number` is that of the message_id; `deleted` is 1 after it was deleted.
CREATE TABLE ephemeral_card (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    chat_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE INDEX ephemeral_card_by_user ON ephemeral_card (chat_id, user_id, tenant, number);
