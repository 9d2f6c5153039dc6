-- Lists and searches of chats that stay as fast as the chats grow in number.

-- A member's chats, in both orders of the list, without a look at the chats that the list leaves out.
ALTER TABLE chat_member ADD COLUMN listed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_member ADD COLUMN chat_created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_member ADD COLUMN chat_active_at BIGINT NOT NULL DEFAULT 0;
UPDATE chat_member SET
    listed = (SELECT CASE WHEN c.chat_mode <> 'p2p' AND c.chat_status <> 'dissolved' THEN 1 ELSE 0 END FROM chat c
        WHERE c.tenant = chat_member.tenant AND c.chat_id = chat_member.chat_id),
    chat_created_at = (SELECT c.created_at FROM chat c
        WHERE c.tenant = chat_member.tenant AND c.chat_id = chat_member.chat_id),
    chat_active_at = (SELECT c.active_at FROM chat c
        WHERE c.tenant = chat_member.tenant AND c.chat_id = chat_member.chat_id);
CREATE INDEX chat_member_by_creation ON chat_member (tenant, member, listed, chat_created_at, chat_id);
CREATE INDEX chat_member_by_activity ON chat_member (tenant, member, listed, chat_active_at, chat_id, chat_created_at);
DROP INDEX chat_member_by_member;

-- Whoever gives a public chat a name takes the row of that name first.
CREATE TABLE chat_name_lock (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX chat_by_public_name ON chat (tenant, name) WHERE chat_type = 'public';

-- What a chat is found by: the folded names from the start of each word on. `is_open` is 1 for chats that everybody sees.
CREATE TABLE chat_term (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    term TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, term)
);
CREATE INDEX chat_term_by_term ON chat_term (tenant, is_open, term, chat_id, created_at);

CREATE TABLE user_term (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    term TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id, term)
);
CREATE INDEX user_term_by_term ON user_term (tenant, term, user_id);

-- Who may speak in a chat whose moderation is a list.
CREATE TABLE chat_moderator (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (tenant, chat_id, member)
);

-- What stands at the top of a chat: 1 is a message, 2 the announcement.
CREATE TABLE chat_top_notice (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    action_type TEXT NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (tenant, chat_id, position)
);
