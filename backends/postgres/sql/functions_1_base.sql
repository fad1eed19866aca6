-- What the other functions share. A verb returns `bytea[]`: JSON with its `status`, then stored bytes as they are.

CREATE FUNCTION leflux.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

CREATE FUNCTION leflux.reply(head json) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT convert_to(head::text, 'UTF8') $$;

CREATE FUNCTION leflux.refusal(status text) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS
$$ SELECT ARRAY[leflux.reply(json_build_object('status', status))] $$;

-- Why no live session was found (S1, S2). VOLATILE: after a wait for a lock it sees what was committed meanwhile.
CREATE FUNCTION leflux.absent(p_id text, p_site text) RETURNS bytea[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM 1 FROM leflux.tombstones WHERE id = p_id AND site = p_site AND until > leflux.now_ms();
    RETURN leflux.refusal(CASE WHEN FOUND THEN 'deleted' ELSE 'not_found' END);
END $$;

-- Sessions have a row to lock; an id without one is locked by its hash (S20, S21).
CREATE FUNCTION leflux.lock_id(p_id text) RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_advisory_xact_lock(hashtextextended('leflux.' || p_id, 0)) $$;

-- Who of the site has the session now.
CREATE FUNCTION leflux.person_json(s leflux.sessions) RETURNS json LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN s.taker_until > leflux.now_ms() THEN json_build_object(
        'account', s.taker, 'name', s.taker_name, 'since', s.taker_since, 'until', s.taker_until) END
$$;

CREATE FUNCTION leflux.session_json(s leflux.sessions) RETURNS json LANGUAGE sql VOLATILE AS $$
    SELECT json_build_object(
        'session_id', s.id, 'site_id', s.site, 'created_at', s.created, 'last_activity', s.activity, 'seq', s.seq,
        'epoch', s.epoch, 'holder', s.holder, 'asked', s.asked, 'answered', s.answered, 'attempts', s.attempts,
        'visitor_id', s.visitor, 'continues', s.continues, 'person', leflux.person_json(s))
$$;

CREATE FUNCTION leflux.snapshot(s leflux.sessions, p_since bigint, p_limit bigint, p_taken_from text)
RETURNS bytea[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    t leflux.tasks;
    head json;
BEGIN
    SELECT * INTO t FROM leflux.tasks WHERE num = s.num;
    head := json_build_object(
        'status', 'ok', 'session', leflux.session_json(s), 'taken_from', p_taken_from,
        'task', CASE WHEN t.num IS NULL THEN NULL ELSE json_build_object(
            'task_id', t.task, 'status', t.status, 'deadline', t.deadline, 'version', t.version) END);
    RETURN ARRAY[leflux.reply(head), t.body] || ARRAY(
        SELECT body FROM leflux.messages WHERE num = s.num AND seq > greatest(p_since, s.seq - p_limit) ORDER BY seq);
END $$;
