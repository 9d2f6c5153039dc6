-- Messages to many people, urgent messages, and follow-ups.

-- A message to many people: the batch_id is `bm-` and 32 hex digits. `total` is how many were told; `recalled` how many of the
-- messages were recalled, and `recalled_at` when, 0 if they were not. All times are in the tenant's time.
CREATE TABLE batch_message (
    tenant TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    total BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    recalled_at BIGINT NOT NULL,
    recalled BIGINT NOT NULL,
    PRIMARY KEY (tenant, batch_id)
);

-- What was sent to each person: `message` is the number of the message in the p2p chat.
CREATE TABLE batch_part (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    batch_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, message)
);
-- The tenant is not first, so that no index is used in place of the primary key.
CREATE INDEX batch_part_by_batch ON batch_part (batch_id, tenant, message);

-- Users who were told urgently of a message. `kind` is app, sms or phone.
CREATE TABLE urgent (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, message, user_id, kind)
);
CREATE INDEX urgent_by_user ON urgent (user_id, tenant, message);

-- The answers that a bot proposes below its message: JSON, as it was sent.
CREATE TABLE follow_up (
    tenant TEXT NOT NULL,
    message BIGINT NOT NULL,
    content TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, message)
);

-- Replies in the threads of a chat, for searches.
CREATE INDEX message_in_threads ON message (chat_id, tenant, created_at, number) WHERE place = 1;
