-- Login in stages: what a browser has proved so far, and the factors that a user can be asked for.
CREATE TABLE idp.logins_under_way (
    cookie_hash  bytea PRIMARY KEY,      -- SHA-256 of a cookie of this login alone
    ask_digest   bytea NOT NULL,         -- SHA-256 of the ask that it answers
    browser_hash bytea NOT NULL,         -- SHA-256 of the browser's cookie for forms
    sub          text NOT NULL REFERENCES idp.users ON DELETE CASCADE,
    methods      jsonb NOT NULL,         -- [{"method", "amr", "at"}], in the order they were used
    attempts     integer NOT NULL DEFAULT 0,
    began_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX logins_under_way_by_expiry ON idp.logins_under_way (expires_at);
CREATE INDEX logins_under_way_by_sub ON idp.logins_under_way (sub);

-- The methods that a session's login used; a session from before knew passwords only.
ALTER TABLE idp.sessions ADD COLUMN methods jsonb NOT NULL DEFAULT '[]';

CREATE TABLE idp.totp (
    id         uuid PRIMARY KEY,
    sub        text NOT NULL REFERENCES idp.users ON DELETE CASCADE,
    name       text NOT NULL,
    secret     bytea NOT NULL,           -- sealed under a key derived of the master key
    last_step  bigint NOT NULL,          -- RFC 6238 §5.2: a step's code is accepted once
    created_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX totp_by_sub ON idp.totp (sub);

CREATE TABLE idp.recovery_codes (
    sub     text NOT NULL REFERENCES idp.users ON DELETE CASCADE,
    hash    bytea NOT NULL,              -- SHA-256 of a code with 80 random bits
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (sub, hash)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON idp.logins_under_way, idp.totp, idp.recovery_codes TO tessera_idp;
