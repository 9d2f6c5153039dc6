-- Callbacks for apps that are connected to another server than the one where a user caused them.

-- `tenant` is the tenant that made the app. `server` is the one that is to send the callback; `request` is its body. `state` is waiting
-- or sent. `outcome` is JSON once the app has answered or failed. `lease_until`, in the real time, says until when it is waited for.
CREATE TABLE callback_relay (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    server TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- A server looks for its own rows, in all tenants. The tenant is not first, so that the index is not used in place of the primary key.
CREATE INDEX callback_relay_by_server ON callback_relay (server, tenant, id) WHERE state = 'waiting';
