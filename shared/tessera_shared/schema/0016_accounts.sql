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
