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
