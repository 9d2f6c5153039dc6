-- Custom bots of chats, which post through a URL. The token in the URL is the ciphertext of `hook_no` and the tenant. `shown_as` is
-- the id, in the form of an app's, that messages have as their sender. `secret` is sealed, and empty without a signature.
-- `keywords` and `addresses` are JSON lists; empty ones demand nothing.
CREATE TABLE chat_hook (
    tenant TEXT NOT NULL,
    hook_no BIGINT NOT NULL,
    chat_id TEXT NOT NULL,
    name TEXT NOT NULL,
    shown_as TEXT NOT NULL,
    secret TEXT NOT NULL,
    keywords TEXT NOT NULL,
    addresses TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hook_no)
);
CREATE INDEX chat_hook_by_chat ON chat_hook (chat_id, tenant, created_at, hook_no);
