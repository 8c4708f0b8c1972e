-- What was changed by whom: services may only add to it, and nobody changes what stands there.
CREATE SCHEMA audit;

CREATE TABLE audit.events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    service     text NOT NULL,
    actor       text NOT NULL,          -- client:…, user:…, operator:…, initial-access-token:…, anonymous
    action      text NOT NULL,          -- such as client.registered
    object_type text NOT NULL,          -- client, secret, scope, user, session, grant, key …
    object_id   text NOT NULL,
    origin      text NOT NULL,          -- the address of a request, the host of a command
    outcome     text NOT NULL CHECK (outcome IN ('done', 'refused')),
    request_id  text,
    details     jsonb NOT NULL          -- never a secret
);
CREATE INDEX events_by_time ON audit.events (at);
CREATE INDEX events_by_object ON audit.events (object_type, object_id, at);

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit.events is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.events
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

GRANT USAGE ON SCHEMA audit TO tessera_authz, tessera_idp, tessera_rs;
GRANT INSERT (service, actor, action, object_type, object_id, origin, outcome, request_id, details)
    ON audit.events TO tessera_authz, tessera_idp, tessera_rs;
