-- Mails that wait to be sent: written in the transaction of what they tell of, deleted when the mail server has them.
CREATE TABLE idp.outbox (
    id              uuid PRIMARY KEY,
    template        text NOT NULL,       -- for the log, which never names the recipient
    content         bytea NOT NULL,      -- recipient, subject and bodies, sealed under the master key
    attempts        integer NOT NULL DEFAULT 0,
    queued_at       timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL
);
CREATE INDEX outbox_by_next_attempt ON idp.outbox (next_attempt_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idp.outbox TO tessera_idp;

-- A verified e-mail address names one account: it can be logged in with, and its password be set anew.
-- Where more than one account has claimed it, the oldest keeps it.
UPDATE idp.users SET claims = jsonb_set(claims, '{email_verified}', 'false') WHERE sub IN (
    SELECT sub FROM (
        SELECT sub, row_number() OVER (PARTITION BY lower(claims ->> 'email') ORDER BY created_at, sub) AS place
        FROM idp.users WHERE claims -> 'email_verified' = 'true'
    ) AS verified WHERE place > 1
);
CREATE UNIQUE INDEX users_by_verified_email ON idp.users (lower(claims ->> 'email'))
    WHERE claims -> 'email_verified' = 'true';

-- Links that were sent by mail, each of which works once.
CREATE TABLE idp.links (
    token_hash   bytea PRIMARY KEY,       -- SHA-256 of 256 random bits
    purpose      text NOT NULL,           -- sign_up, reset_password, change_email, undo_email
    sub          text REFERENCES idp.users ON DELETE CASCADE,  -- none for a sign-up, nor for a link that nobody was sent
    email        text NOT NULL,           -- the address that the link proves
    ask          text,                    -- sealed by authz: the login that goes on afterwards
    browser_hash bytea,                   -- SHA-256 of the cookie of the browser that it goes on in
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX links_by_sub ON idp.links (sub, purpose);
CREATE INDEX links_by_expiry ON idp.links (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idp.links TO tessera_idp;
