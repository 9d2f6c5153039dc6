-- Uploaded files. Their bytes are in `content`, or outside of the database under `content_hash`. `duration_ms` is that of
-- audio and video, if the upload named it.
CREATE TABLE stored_file (
    tenant TEXT NOT NULL,
    file_key TEXT NOT NULL,
    app_id TEXT NOT NULL,
    file_type TEXT NOT NULL,
    name TEXT NOT NULL,
    duration_ms BIGINT,
    content_type TEXT NOT NULL,
    status TEXT NOT NULL,
    content BYTEA NOT NULL,
    content_hash TEXT,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, file_key)
);
CREATE INDEX stored_file_by_content ON stored_file (content_hash, tenant);
CREATE INDEX stored_file_by_size ON stored_file (tenant, size);
