-- Fault rules for events. The rules replace the table delivery_steering of 0024, which stays for servers of the previous release,
-- and is no longer used.

-- What is wrong with an event on purpose: signature or json; empty if nothing is.
ALTER TABLE event_delivery ADD COLUMN corrupted TEXT NOT NULL DEFAULT '';
