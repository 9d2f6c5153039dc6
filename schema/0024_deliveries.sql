-- Tests decide what happens to deliveries, and see and close long connections.

-- What is done with the next events for an app in a tenant: drop, hold, delay or repeat. `events_left` is the number of events
-- that are still to be treated so.
CREATE TABLE delivery_steering (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    action TEXT NOT NULL,
    delay_ms BIGINT NOT NULL,
    events_left BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id)
);
-- Workers look by the app alone.
CREATE INDEX delivery_steering_by_app ON delivery_steering (app_id, tenant);

-- 1 for an event that was treated so, and for its copy. `state` can also be held.
ALTER TABLE event_delivery ADD COLUMN steered BIGINT NOT NULL DEFAULT 0;
-- Delayed events: moving a tenant's clock moves them.
CREATE INDEX event_delivery_by_delay ON event_delivery (tenant, due_at) WHERE state = 'waiting' AND steered = 1;
-- Held events, to be released or counted.
CREATE INDEX event_delivery_held ON event_delivery (app_id, tenant) WHERE state = 'held';

-- `details` is JSON: the connections of the row. The server closes those that were opened until `cut_before`, in the real time,
-- and those whose ids are in `cut_ids`, separated by blanks.
ALTER TABLE app_connection ADD COLUMN details TEXT NOT NULL DEFAULT '';
ALTER TABLE app_connection ADD COLUMN cut_before BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_connection ADD COLUMN cut_ids TEXT NOT NULL DEFAULT '';
-- A server looks for its own rows, in all tenants.
CREATE INDEX app_connection_by_server ON app_connection (server, tenant, app_id);
