-- Events of every kind, written where they happen; see decision 15. The tables event_due and event_outbox of 0008 stay for
-- servers of the previous release, and are no longer used.

-- The events for apps, in the tenant where they happened; a row for each receiving app. `form` says how the payload is
-- wrapped. `sealed` is 1 if the payload is encrypted. `state` is waiting, delivered or dropped. `created_at` is in the tenant's time, `due_at`
-- and `lease_until` are in the real time; `lease_until` is 0 while no server has claimed the row.
CREATE TABLE event_delivery (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    developer TEXT NOT NULL,
    event_type TEXT NOT NULL,
    form TEXT NOT NULL,
    sealed BIGINT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    status BIGINT,
    failure TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
);
-- Due deliveries of all tenants, in the order in which they are sent.
CREATE INDEX event_delivery_by_due ON event_delivery (lease_until, due_at, number) WHERE state = 'waiting';
-- Deliveries to retry: moving a tenant's clock moves them.
CREATE INDEX event_delivery_by_retry ON event_delivery (tenant, due_at) WHERE state = 'waiting' AND attempts > 0;
-- The latest deliveries of an app. The tenant is not first, so that the index is never used in place of the primary key.
CREATE INDEX event_delivery_by_app ON event_delivery (app_id, tenant, number);

-- The apps installed in a tenant that can receive events: a copy of the settings in their developers' tenants. `types` are
-- the subscribed types, separated by blanks; * is all of them.
CREATE TABLE event_subscriber (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    types TEXT NOT NULL,
    PRIMARY KEY (tenant, app_id)
);
CREATE INDEX event_subscriber_by_app ON event_subscriber (app_id);

-- How an app receives events, and how it receives callbacks: by webhook or by connection. request_url, state and reason of
-- 0008 are for events. The key and the token, which are encrypted, are for both; an empty token is the one derived from the
-- app's id.
ALTER TABLE app_events ADD COLUMN mode TEXT NOT NULL DEFAULT 'webhook';
ALTER TABLE app_events ADD COLUMN types TEXT NOT NULL DEFAULT '*';
ALTER TABLE app_events ADD COLUMN callback_mode TEXT NOT NULL DEFAULT 'webhook';
ALTER TABLE app_events ADD COLUMN callback_url TEXT NOT NULL DEFAULT '';
ALTER TABLE app_events ADD COLUMN callback_types TEXT NOT NULL DEFAULT '*';
ALTER TABLE app_events ADD COLUMN callback_state TEXT NOT NULL DEFAULT 'pending';
ALTER TABLE app_events ADD COLUMN callback_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE app_events ADD COLUMN verification_token TEXT NOT NULL DEFAULT '';

-- When an ISV app gets its next ticket, in the real time. It replaces ticket_due, so that a server of the previous release
-- sends none in addition. An app with a waiting ticket gets another one at once.
ALTER TABLE app_events ADD COLUMN ticket_at BIGINT;
CREATE INDEX app_events_by_ticket_at ON app_events (ticket_at) WHERE ticket_at IS NOT NULL;
UPDATE app_events SET ticket_at = ticket_due - (SELECT t.clock_offset_ms FROM tenant t WHERE t.tenant = app_events.tenant)
    WHERE ticket_due IS NOT NULL;
UPDATE app_events SET ticket_at = 0 WHERE ticket_at IS NOT NULL AND EXISTS (SELECT 1 FROM event_outbox e
    WHERE e.tenant = app_events.tenant AND e.app_id = app_events.app_id AND e.state = 'waiting' AND e.kind = 'app_ticket');
UPDATE app_events SET ticket_due = NULL WHERE ticket_due IS NOT NULL;

-- Waiting verifications are sent. The rest is kept for display.
INSERT INTO event_delivery (tenant, number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, state, due_at,
    attempts, owner, lease_until, status, failure)
    SELECT tenant, number, event_id, app_id, tenant, kind, CASE WHEN kind = 'url_verification' THEN 'challenge' ELSE 'v1' END, 0,
    CASE WHEN kind = 'url_verification' THEN '{"challenge":"' || subject || '"}' ELSE '' END, created_at,
    CASE WHEN kind = 'app_ticket' AND state = 'waiting' THEN 'dropped' ELSE state END, 0, attempts, '', 0, status,
    CASE WHEN kind = 'app_ticket' AND state = 'waiting' THEN 'an upgrade replaced it by a new ticket' ELSE failure END
    FROM event_outbox;
DELETE FROM event_outbox;
