-- The life cycle of sessions. What only reads is STABLE, so that all of it is as of one moment (S6).

CREATE FUNCTION leflux.create_session(p_id text, p_site text, p_visitor text, p_continues text, p_prior bytea)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    now bigint;
BEGIN
    PERFORM leflux.lock_id(p_id);
    now := leflux.now_ms();
    PERFORM 1 FROM leflux.tombstones WHERE id = p_id AND until > now;
    IF FOUND THEN RETURN leflux.refusal('exists'); END IF;
    INSERT INTO leflux.sessions (id, site, visitor, continues, created, activity)
        VALUES (p_id, p_site, p_visitor, p_continues, now, now) ON CONFLICT (id) DO NOTHING RETURNING * INTO s;
    IF NOT FOUND THEN RETURN leflux.refusal('exists'); END IF;
    IF p_prior IS NOT NULL THEN
        INSERT INTO leflux.contexts (num, prior) VALUES (s.num, p_prior);
    END IF;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'session', leflux.session_json(s)))];
END $$;

CREATE FUNCTION leflux.restore(p_id text, p_site text, p_idle double precision, p_since bigint, p_limit bigint)
RETURNS bytea[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    s leflux.sessions;
BEGIN
    SELECT * INTO s FROM leflux.sessions WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms();
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    RETURN leflux.snapshot(s, p_since, p_limit, NULL);
END $$;

CREATE FUNCTION leflux.claim(
    p_id text, p_site text, p_idle double precision, p_holder text, p_since bigint, p_limit bigint
) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    former text;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    former := s.holder;
    UPDATE leflux.sessions SET epoch = epoch + 1, holder = p_holder WHERE num = s.num RETURNING * INTO s;
    RETURN leflux.snapshot(s, p_since, p_limit, former);
END $$;

CREATE FUNCTION leflux.release(p_id text, p_site text, p_idle double precision, p_epoch bigint)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    held boolean;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    held := s.epoch = p_epoch AND s.holder IS NOT NULL;
    IF held THEN
        UPDATE leflux.sessions SET holder = NULL WHERE num = s.num;
    END IF;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'done', held))];
END $$;

CREATE FUNCTION leflux.messages_after(
    p_id text, p_site text, p_idle double precision, p_since bigint, p_limit bigint
) RETURNS bytea[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_num bigint;
BEGIN
    SELECT num INTO found_num FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms();
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    RETURN leflux.refusal('ok') || ARRAY(
        SELECT body FROM leflux.messages WHERE num = found_num AND seq > p_since ORDER BY seq LIMIT p_limit);
END $$;

CREATE FUNCTION leflux.set_context(p_id text, p_site text, p_idle double precision, p_epoch bigint, p_context bytea)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    IF p_epoch < s.epoch THEN RETURN leflux.refusal('not_owner'); END IF;
    INSERT INTO leflux.contexts (num, context) VALUES (s.num, p_context)
        ON CONFLICT (num) DO UPDATE SET context = excluded.context;
    RETURN leflux.refusal('ok');
END $$;

CREATE FUNCTION leflux.context_of(p_id text, p_site text, p_idle double precision)
RETURNS bytea[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_num bigint;
    c leflux.contexts;
BEGIN
    SELECT num INTO found_num FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms();
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    SELECT * INTO c FROM leflux.contexts WHERE num = found_num;
    RETURN leflux.refusal('ok') || ARRAY[c.context, c.prior];
END $$;
