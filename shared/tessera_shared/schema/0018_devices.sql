-- Browsers that an account was used in before: they are limited apart from all others, and need no notice.
CREATE TABLE idp.devices (
    cookie_hash bytea NOT NULL,          -- SHA-256 of a cookie that each login replaces
    sub         text NOT NULL REFERENCES idp.users ON DELETE CASCADE,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (cookie_hash, sub)
);
CREATE INDEX devices_by_sub ON idp.devices (sub, last_at);
CREATE INDEX devices_by_expiry ON idp.devices (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idp.devices TO tessera_idp;
