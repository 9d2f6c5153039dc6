-- Due events by app, so that a search for them skips the apps that cannot receive more.

-- The app is first: a search goes from app to app, and reads the due rows of those that it wants.
CREATE INDEX event_delivery_by_turn ON event_delivery (app_id, lease_until, due_at, number) WHERE state = 'waiting';
