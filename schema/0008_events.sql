-- Events: where an app receives them, what is to be sent there, and which tenants have something to send.

-- One row for each tenant with events: when to look at it, in the real time. Too early does no harm. Whoever changes a
-- tenant's events holds this row.
CREATE TABLE event_due (
    tenant TEXT NOT NULL PRIMARY KEY,
    due_at BIGINT NOT NULL
);
CREATE INDEX event_due_by_time ON event_due (due_at);

-- In the tenant that made the app. The key is sealed; empty is none. `state` is pending, verified or failed.
-- `ticket_due` is when an ISV app is sent its next ticket, in the tenant's time.
CREATE TABLE app_events (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    request_url TEXT NOT NULL,
    encrypt_key TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket_due BIGINT,
    PRIMARY KEY (tenant, app_id)
);
CREATE INDEX app_events_by_ticket ON app_events (tenant, state, ticket_due);

-- In the tenant that made the app that is told. `kind` says what `subject` is: the challenge of a url_verification, the
-- number of the ticket of an app_ticket. `state` is waiting, delivered or dropped. `created_at` and `due_at` are in the
-- tenant's time, `lease_until` is in the real one.
CREATE TABLE event_outbox (
    tenant TEXT NOT NULL,
    event_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    status BIGINT,
    failure TEXT NOT NULL,
    PRIMARY KEY (tenant, event_id)
);
CREATE INDEX event_outbox_by_due ON event_outbox (tenant, state, due_at);
CREATE INDEX event_outbox_by_app ON event_outbox (tenant, app_id, number);
