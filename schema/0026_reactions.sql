-- Reactions to messages, and who has read messages.

-- `number` grows with time; the reaction_id is its ciphertext. `message` is the number of the message. The operator is written as
-- the sender of a message is. Times are in the tenant's time. An operator has each emoji once on a message.
CREATE TABLE message_reaction (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    message BIGINT NOT NULL,
    emoji TEXT NOT NULL,
    operator_kind TEXT NOT NULL,
    operator TEXT NOT NULL,
    operator_no BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);
-- The tenant is not first, so that no index is used in place of the primary key.
CREATE UNIQUE INDEX message_reaction_by_operator ON message_reaction (message, tenant, operator_kind, operator, emoji);
CREATE INDEX message_reaction_by_time ON message_reaction (message, tenant, created_at, number);
CREATE INDEX message_reaction_by_emoji ON message_reaction (message, tenant, emoji, created_at, number);

-- `reader` is a user_id, and `reader_no` the number that open_id and union_id are made of.
CREATE TABLE message_read (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    reader TEXT NOT NULL,
    reader_no BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, message, reader)
);
CREATE INDEX message_read_by_time ON message_read (message, tenant, read_at, reader);
