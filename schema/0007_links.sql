-- Links that let people into chats, and what keeps a chat's settings as they are.

-- `expires_at` is 0 for a link that does not expire.
CREATE TABLE chat_link (
    tenant TEXT NOT NULL,
    token TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    creator TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, token)
);
CREATE INDEX chat_link_by_expiry ON chat_link (tenant, chat_id, expires_at);

-- A chat without a row is neither banned nor in a meeting.
CREATE TABLE chat_hold (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    banned BIGINT NOT NULL,
    meeting BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id)
);
