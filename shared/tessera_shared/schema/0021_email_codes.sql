-- Users who are asked for a code by e-mail after the password (the codes' table came with the passkeys).
CREATE TABLE idp.email_code_users (
    sub        text PRIMARY KEY REFERENCES idp.users ON DELETE CASCADE,
    enabled_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON idp.email_code_users TO tessera_idp;
