-- What several processes on one store share.

-- How often an app called an operation, in two windows that begin at their first call; times are the tenant's but for
-- `seen_at`. On a server it is not written to the log: it waits for no standby, and a failover empties it.
CREATE /* UNLOGGED */ TABLE call_count (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    start_1 BIGINT NOT NULL,
    calls_1 BIGINT NOT NULL,
    start_2 BIGINT NOT NULL,
    calls_2 BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id, operation)
);

-- Who makes ids with which node number, and until when. Every new holder adds one to the epoch.
CREATE TABLE node_lease (
    node_no BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- Whoever enters a slot of time first does its job.
CREATE TABLE job_slot (
    job TEXT NOT NULL,
    slot BIGINT NOT NULL,
    PRIMARY KEY (job, slot)
);

-- For the sweep of what has ended.
CREATE INDEX idempotency_by_end ON idempotency (tenant, expires_at);
