-- Announcements of the docx form. Groups that have no row in chat_announcement have one from now on; those that were made
-- before keep the old form.
INSERT INTO chat_announcement (tenant, chat_id, announcement_type, locked, revision, content, modifier, updated_at)
    SELECT c.tenant, c.chat_id, 'doc', 0, 0, '', '', c.created_at FROM chat c
    WHERE c.chat_mode <> 'p2p' AND NOT EXISTS
        (SELECT 1 FROM chat_announcement a WHERE a.tenant = c.tenant AND a.chat_id = c.chat_id);

-- An announcement that was edited. The times of the last three edits are in the real time, in milliseconds since 1970, the
-- latest one first.
CREATE TABLE docx_announcement (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    modifier TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    edit_1 BIGINT NOT NULL,
    edit_2 BIGINT NOT NULL,
    edit_3 BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id)
);

-- The blocks of the latest revision. Siblings are in the order of their positions. `since` is the revision that wrote the row.
CREATE TABLE docx_block (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    block_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    content TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, block_id)
);
CREATE INDEX docx_block_by_chat ON docx_block (chat_id, tenant, block_id);
CREATE INDEX docx_block_by_id ON docx_block (block_id, tenant, chat_id);

-- Earlier rows of blocks: they belong to the revisions from `since` to the one before `until`.
CREATE TABLE docx_block_past (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    block_id TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    parent_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (tenant, chat_id, block_id, since)
);
CREATE INDEX docx_block_past_by_chat ON docx_block_past (chat_id, tenant, until, since);
CREATE INDEX docx_block_past_by_id ON docx_block_past (block_id, chat_id, tenant);

-- Uploads for blocks: what is known of them. Width and height are 0 if it is not a picture.
CREATE TABLE docx_media (
    tenant TEXT NOT NULL,
    file_token TEXT NOT NULL,
    block_id TEXT NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, file_token)
);
