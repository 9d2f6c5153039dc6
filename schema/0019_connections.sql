-- How many long connections an app has to a server, in the tenant that made the app. A server renews its rows while it runs;
-- `lease_until`, in the real time, says until when a row counts. `server` is random, made at the start of each process.
CREATE TABLE app_connection (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    server TEXT NOT NULL,
    connections BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id, server)
);
