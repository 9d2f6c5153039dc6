-- Which tickets of an app are good: those from `tickets_from` on. `ticket_mark` is the ticket at which a mark was set, at
-- `ticket_marked_at` in the tenant's time.

ALTER TABLE app_sign_in ADD COLUMN tickets_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_sign_in ADD COLUMN ticket_mark BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_sign_in ADD COLUMN ticket_marked_at BIGINT NOT NULL DEFAULT 0;
