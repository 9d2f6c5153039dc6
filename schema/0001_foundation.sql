-- The tables of Larkspur. Portable: the same text on SQLite and PostgreSQL. Ids are text or BIGINT, times are
-- milliseconds since 1970, flags are 0 or 1, lists of scopes are separated by blanks, JSON is TEXT.
-- Every primary key and unique index starts with the tenant; the two directories `tenant` and `app` are what finds it.

CREATE TABLE tenant (
    tenant TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    clock_offset_ms BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE app (
    app_id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX app_by_tenant ON app (tenant, app_id);

CREATE TABLE app_install (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    status TEXT NOT NULL,
    bot BIGINT NOT NULL,
    external_sharing BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    visible_to TEXT NOT NULL,
    PRIMARY KEY (tenant, app_id)
);

CREATE TABLE app_visible_user (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, app_id, user_id)
);

CREATE TABLE token_issue (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id, kind)
);

CREATE TABLE users (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    status TEXT NOT NULL,
    email TEXT,
    mobile TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
CREATE UNIQUE INDEX users_by_no ON users (tenant, user_no);

CREATE TABLE user_grant (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id, user_id)
);

CREATE TABLE chat (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    chat_mode TEXT NOT NULL,
    chat_type TEXT NOT NULL,
    chat_tag TEXT NOT NULL,
    chat_status TEXT NOT NULL,
    external BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    i18n_names TEXT NOT NULL,
    avatar TEXT NOT NULL,
    owner TEXT NOT NULL,
    creator_app TEXT NOT NULL,
    group_message_type TEXT NOT NULL,
    settings TEXT NOT NULL,
    manage_widgets TEXT NOT NULL,
    user_count BIGINT NOT NULL,
    bot_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id)
);
CREATE INDEX chat_by_id ON chat (chat_id);

-- A member is a user by user_id, or a bot by app_id (`cli_…`).
CREATE TABLE chat_member (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    member TEXT NOT NULL,
    kind TEXT NOT NULL,
    manager BIGINT NOT NULL,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, member)
);
CREATE INDEX chat_member_by_member ON chat_member (tenant, member, chat_id);

CREATE TABLE chat_tab (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    tab_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    tab_type TEXT NOT NULL,
    tab_name TEXT NOT NULL,
    target TEXT NOT NULL,
    icon_key TEXT,
    is_built_in BIGINT,
    PRIMARY KEY (tenant, chat_id, tab_id)
);

CREATE TABLE tag (
    tenant TEXT NOT NULL,
    tag_id BIGINT NOT NULL,
    tag_type TEXT NOT NULL,
    name TEXT NOT NULL,
    i18n_names TEXT NOT NULL,
    app_id TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (tenant, tag_id)
);
CREATE UNIQUE INDEX tag_by_name ON tag (tenant, tag_type, name);

CREATE TABLE chat_tag_binding (
    tenant TEXT NOT NULL,
    chat_id TEXT NOT NULL,
    tag_id BIGINT NOT NULL,
    bind_version BIGINT NOT NULL,
    PRIMARY KEY (tenant, chat_id, tag_id)
);

CREATE TABLE image (
    tenant TEXT NOT NULL,
    image_key TEXT NOT NULL,
    app_id TEXT NOT NULL,
    image_type TEXT NOT NULL,
    content_type TEXT NOT NULL,
    status TEXT NOT NULL,
    content BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, image_key)
);

CREATE TABLE document (
    tenant TEXT NOT NULL,
    token TEXT NOT NULL,
    doc_type TEXT NOT NULL,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, token)
);

-- A collaborator is `user_id`, `cli_…` or `oc_…`, as in chat_member; other kinds keep the id as it was sent.
CREATE TABLE document_member (
    tenant TEXT NOT NULL,
    token TEXT NOT NULL,
    member TEXT NOT NULL,
    member_type TEXT NOT NULL,
    perm TEXT NOT NULL,
    perm_type TEXT NOT NULL,
    PRIMARY KEY (tenant, token, member)
);

-- Calls with a `uuid` are answered once: the key names operation, app, owner and uuid.
CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
