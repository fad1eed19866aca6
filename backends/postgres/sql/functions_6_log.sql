-- Lines that come from an outbox, and erasing in the log.

CREATE FUNCTION leflux.lock_log(p_id text) RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_advisory_xact_lock(hashtextextended('leflux.' || p_id, 2)) $$;

-- One array for each member of a line. They are sorted by session, so that two processes lock in one order.
CREATE FUNCTION leflux.log_append(
    p_sites text[], p_sessions text[], p_seqs bigint[], p_stamps bigint[], p_messages text[], p_roles text[],
    p_texts bytea[], p_bodies bytea[], p_started bigint[], p_kinds text[], p_visitors text[], p_continues text[],
    p_firsts bytea[], p_words text[]
) RETURNS bytea[] LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..cardinality(p_sites) LOOP
        IF i = 1 OR p_sessions[i] <> p_sessions[i - 1] THEN
            PERFORM leflux.lock_log(p_sessions[i]);
        END IF;
        PERFORM leflux.log_line(p_sites[i], p_sessions[i], p_seqs[i]::integer, p_stamps[i], p_messages[i], p_roles[i],
            p_texts[i], p_bodies[i], p_started[i], p_kinds[i], p_visitors[i], p_continues[i], p_firsts[i],
            string_to_array(nullif(p_words[i], ''), ' '));
    END LOOP;
    RETURN leflux.refusal('ok');
END $$;

CREATE FUNCTION leflux.log_erase(p_site text, p_id text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    lines bigint;
BEGIN
    DELETE FROM leflux.log_lines WHERE site = p_site AND session = p_id;
    GET DIAGNOSTICS lines = ROW_COUNT;
    DELETE FROM leflux.log_days WHERE site = p_site AND session = p_id;
    DELETE FROM leflux.log_sessions WHERE site = p_site AND id = p_id;
    RETURN lines;
END $$;

CREATE FUNCTION leflux.log_delete_session(p_site text, p_id text, p_tombstone double precision)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
BEGIN
    PERFORM leflux.lock_log(p_id);
    now := leflux.now_ms();
    DELETE FROM leflux.log_tombstones WHERE (id, site) IN (
        SELECT id, site FROM leflux.log_tombstones WHERE until <= now FOR UPDATE SKIP LOCKED);
    INSERT INTO leflux.log_tombstones (id, site, until) VALUES (p_id, p_site, now + (p_tombstone * 1000)::bigint)
        ON CONFLICT (id, site) DO UPDATE SET until = excluded.until;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'lines', leflux.log_erase(p_site, p_id)))];
END $$;

-- A session that gets a line meanwhile is judged again once its summary is locked (L10).
CREATE FUNCTION leflux.log_delete_older(p_site text, p_before bigint, p_limit bigint)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    old record;
    sessions bigint := 0;
    lines bigint := 0;
BEGIN
    FOR old IN SELECT id FROM leflux.log_sessions
        WHERE site = p_site AND activity < p_before ORDER BY id LIMIT p_limit FOR UPDATE
    LOOP
        sessions := sessions + 1;
        lines := lines + leflux.log_erase(p_site, old.id);
    END LOOP;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'sessions', sessions, 'lines', lines))];
END $$;
