-- Members in the order in which they joined; who waits to be let in; what a tenant's administrators limit.

CREATE INDEX chat_member_by_time ON chat_member (tenant, chat_id, joined_at, member);

-- Somebody who was invited into a chat that asks for approval. Columns as in chat_member.
CREATE TABLE chat_pending (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    member TEXT NOT NULL,
    inviter TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, member)
);

CREATE TABLE tenant_limit (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
