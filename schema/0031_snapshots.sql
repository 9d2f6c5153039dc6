-- Snapshots of tenants: saved states that a tenant can be put back to.

-- `name` starts with @ if the server made the snapshot: @start is the state that the tenant was made with. `created_at` is in the
-- real time, `world_now` in the tenant's. `schema` is the schema whose columns the rows have. `row_count` and `bytes` are of all
-- parts together.
CREATE TABLE snapshot (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    world_now BIGINT NOT NULL,
    schema BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The rows of a snapshot as lines of JSON, cut at the ends of lines into parts of about 256 KiB.
CREATE TABLE snapshot_part (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    part BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (tenant, name, part)
);

-- The files outside of the database that a snapshot's images and files name: the sweep keeps them.
CREATE TABLE snapshot_blob (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    PRIMARY KEY (tenant, name, content_hash)
);
-- The tenant is not first, so that no index is used in place of the primary key.
CREATE INDEX snapshot_blob_by_content ON snapshot_blob (content_hash, tenant);
