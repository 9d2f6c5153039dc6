-- Bytes that are kept apart from the database. An image either has them in `content`, or names them by their SHA-256.

ALTER TABLE image ADD COLUMN content_hash TEXT;
CREATE INDEX image_by_content ON image (tenant, content_hash);

-- `kept` once an image named it; `doomed` while nothing does; `gone` from when its bytes are being removed until nobody
-- can rely on them any more. `since` is real time.
CREATE TABLE blob (
    tenant TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (tenant, content_hash)
);
