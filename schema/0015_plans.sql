-- Indexes for statements that read all of a chat or of a tenant without them.

-- The few managers of a chat of many.
CREATE INDEX chat_member_managers ON chat_member (tenant, chat_id, joined_at, member) WHERE manager = 1;

-- What waits for an app, among all that waits in its tenant.
CREATE INDEX event_outbox_by_state ON event_outbox (tenant, app_id, state, number);
