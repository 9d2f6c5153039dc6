-- Signing in: what an app says of its sign-in page, and the codes and refresh tokens that were given out.
-- Of codes and tokens only a keyed hash is kept.

-- In the tenant that made the app. Addresses are separated by blanks; none means any address on this machine.
CREATE TABLE app_sign_in (
    tenant TEXT NOT NULL,
    app_id TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    ticket_no BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id)
);

-- In the tenant of the user.
CREATE TABLE oauth_code (
    tenant TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    challenge TEXT NOT NULL,
    challenge_method TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant, code_hash)
);
CREATE INDEX oauth_code_by_end ON oauth_code (tenant, expires_at);

CREATE TABLE oauth_refresh (
    tenant TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    authorized_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant, token_hash)
);
CREATE INDEX oauth_refresh_by_end ON oauth_refresh (tenant, expires_at);

CREATE INDEX users_by_email ON users (tenant, email);
CREATE INDEX users_by_mobile ON users (tenant, mobile);
CREATE INDEX app_install_by_app ON app_install (app_id, tenant);
