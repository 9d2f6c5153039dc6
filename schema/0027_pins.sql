-- Messages that are pinned in their chats.

-- `message` is the number of the message; `number` grows with time. The operator is written as the sender of a message is.
-- `created_at` is in the tenant's time.
CREATE TABLE pin (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    chat_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    operator_kind TEXT NOT NULL,
    operator TEXT NOT NULL,
    operator_no BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, message)
);
-- The tenant is not first, so that it is not used in place of the primary key.
CREATE INDEX pin_by_chat ON pin (chat_id, tenant, created_at, number);
