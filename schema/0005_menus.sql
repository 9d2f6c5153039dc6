-- Menus and old announcements of chats.

-- `parent` is 0 for an item of the top level, and the item it stands under for one of the second.
CREATE TABLE chat_menu (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    menu_id BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    position BIGINT NOT NULL,
    action_type TEXT NOT NULL,
    name TEXT NOT NULL,
    i18n_names TEXT,
    redirect_link TEXT,
    image_key TEXT NOT NULL,
    PRIMARY KEY (tenant, chat_id, menu_id)
);

-- A chat without a row here has the announcement it was made with.
CREATE TABLE chat_announcement (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    announcement_type TEXT NOT NULL,
    locked BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    content TEXT NOT NULL,
    modifier TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id)
);

-- The requests of the latest edits, as they were sent: a JSON array for each revision.
CREATE TABLE chat_announcement_edit (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    requests TEXT NOT NULL,
    editor TEXT NOT NULL,
    edited_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, revision)
);
