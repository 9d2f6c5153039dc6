-- What a tenant's edition and its administrators allow, as JSON: nothing but what differs from the usual.
ALTER TABLE tenant ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';

-- Bytes of an image, for a quota on all of them. Images from before count as empty.
ALTER TABLE image ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
CREATE INDEX image_by_size ON image (tenant, size);
