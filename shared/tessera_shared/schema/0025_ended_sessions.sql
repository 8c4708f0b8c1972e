-- What ended must not live on in what was under way: neither in a login that counts on it, nor in a grant that is late.

-- A login under way counts on a password or a session: once either is gone, it begins anew.
CREATE FUNCTION idp.forget_logins_under_way() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM idp.logins_under_way WHERE sub = OLD.sub;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION idp.forget_logins_under_way() FROM PUBLIC;
CREATE TRIGGER session_ended_logins AFTER UPDATE OF ended_at ON idp.sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION idp.forget_logins_under_way();
-- `changed_at` alone tells of another password: the same one hashed anew leaves it as it is.
CREATE TRIGGER password_changed_logins AFTER DELETE OR UPDATE OF changed_at ON idp.passwords
    FOR EACH ROW EXECUTE FUNCTION idp.forget_logins_under_way();

-- Whether a session goes on. Until the transaction ends nobody can end it: what is granted in it, its end will find.
CREATE FUNCTION idp.holds_session(asked_sid text, asked_sub text) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM idp.sessions WHERE sid = asked_sid AND sub = asked_sub AND ended_at IS NULL FOR SHARE
    )
$$;
REVOKE ALL ON FUNCTION idp.holds_session(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION idp.holds_session(text, text) TO tessera_authz;
