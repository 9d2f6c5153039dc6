-- Messages.

-- `number` grows with time; the message_id is its ciphertext. `place` says where a message is listed: 0 in its chat, 1 only in its
-- thread, 2 nowhere, since it is part of a forwarded bundle. `thread_id` is empty outside of threads. `root`, `parent` and `upper`
-- are numbers of messages, 0 for none; `bundle` is the outermost message that a part was forwarded in. `content` has placeholders
-- for the people whom `mentions` lists. `sender_kind` is user, bot or hook; `sender` is the user_id or the app_id, and `sender_no`
-- the number that a user's open_id is made of. `app_id` is the app that sent it, empty if it was a client. `state` is normal or
-- recalled; the recall columns say by whom, in whose right, and when. All times are in the tenant's time.
CREATE TABLE message (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    chat_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    thread_id TEXT NOT NULL,
    root BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    upper BIGINT NOT NULL,
    bundle BIGINT NOT NULL,
    msg_type TEXT NOT NULL,
    content TEXT NOT NULL,
    mentions TEXT NOT NULL,
    sender_kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_no BIGINT NOT NULL,
    app_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    edits BIGINT NOT NULL,
    state TEXT NOT NULL,
    recalled_by TEXT NOT NULL,
    recall_type TEXT NOT NULL,
    recalled_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);
-- The messages of a chat, those of a thread with its root, and the parts of a bundle. The tenant is not first, so that no index is
-- used in place of the primary key.
CREATE INDEX message_by_chat ON message (chat_id, tenant, created_at, number) WHERE place = 0;
CREATE INDEX message_by_thread ON message (thread_id, tenant, created_at, number) WHERE thread_id <> '';
CREATE INDEX message_by_bundle ON message (bundle, tenant, number) WHERE bundle <> 0;

-- Calls that carry a uuid send one message. `name` is made of the app, the operator and the uuid; `until` is in the tenant's time.
CREATE TABLE message_uuid (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX message_uuid_by_end ON message_uuid (tenant, until);
