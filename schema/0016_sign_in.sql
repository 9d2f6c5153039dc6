-- Sign-ins can be ended one by one: by the code that all their tokens came of.

ALTER TABLE oauth_refresh ADD COLUMN family TEXT NOT NULL DEFAULT '';
CREATE INDEX oauth_refresh_by_family ON oauth_refresh (tenant, family);

-- Pairs of a number and a time: sign-ins whose access tokens are revoked.
ALTER TABLE user_grant ADD COLUMN ended TEXT NOT NULL DEFAULT '';
