-- -1 when the document was stored, else the version that is stored in its place (K1). One statement could not tell the
-- version that it lost against: it would not see it.
CREATE FUNCTION leflux.put_document(p_name text, p_value bytea, p_expect bigint) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    IF p_expect = 0 THEN
        INSERT INTO leflux.documents (name, value, version) VALUES (p_name, p_value, 1) ON CONFLICT (name) DO NOTHING;
    ELSE
        UPDATE leflux.documents SET value = p_value, version = version + 1 WHERE name = p_name AND version = p_expect;
    END IF;
    IF FOUND THEN RETURN -1; END IF;
    RETURN coalesce((SELECT version FROM leflux.documents WHERE name = p_name), 0);
END $$;
