-- What the contact and application operations tell of users and apps.

-- Facts of a user, as JSON.
ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}';
-- Those who have not left, in the order in which they were made: the order of lists.
CREATE INDEX users_here ON users (tenant, user_no) WHERE status <> 'resigned';

-- In the tenant that made the app: its description, and the user_id of its owner, empty for none.
ALTER TABLE app ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE app ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- The scopes that an app asks for, and those of them for which it applied last.
ALTER TABLE app_install ADD COLUMN requested TEXT NOT NULL DEFAULT '';
ALTER TABLE app_install ADD COLUMN applied TEXT NOT NULL DEFAULT '';
