-- How sessions leave: by a deletion, or because they were idle.

CREATE FUNCTION leflux.erase_parts(p_nums bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM leflux.messages WHERE num = ANY (p_nums);
    DELETE FROM leflux.keys WHERE num = ANY (p_nums);
    DELETE FROM leflux.contexts WHERE num = ANY (p_nums);
    DELETE FROM leflux.tasks WHERE num = ANY (p_nums);
    DELETE FROM leflux.sessions WHERE num = ANY (p_nums);
END $$;

CREATE FUNCTION leflux.erase_session(
    p_id text, p_site text, p_idle double precision, p_tombstone double precision, p_bury boolean
) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    live boolean;
    refused bytea[];
    had_tasks integer := 0;
    waiting record;
BEGIN
    PERFORM leflux.lock_id(p_id);
    PERFORM 1 FROM leflux.deletions WHERE id = p_id AND site = p_site;
    IF FOUND THEN RETURN ARRAY[leflux.reply('{"status": "ok", "erased": {}}')]; END IF;
    SELECT * INTO s FROM leflux.sessions WHERE id = p_id AND site = p_site FOR UPDATE;
    live := FOUND AND s.activity + p_idle > leflux.now_ms();
    IF NOT live THEN
        refused := leflux.absent(p_id, p_site);
        IF NOT p_bury OR refused = leflux.refusal('deleted') THEN RETURN refused; END IF;
    END IF;
    -- Also what is left of a session that is idle.
    IF s.num IS NOT NULL THEN
        had_tasks := (SELECT count(*) FROM leflux.tasks WHERE num = s.num);
        PERFORM leflux.erase_parts(ARRAY[s.num]);
    END IF;
    WITH gone AS (DELETE FROM leflux.outbox WHERE session = p_id AND site = p_site RETURNING seq)
        SELECT count(*) AS lines, coalesce(min(seq), 0) AS first INTO waiting FROM gone;
    DELETE FROM leflux.evicted_keys WHERE id IN (SELECT id FROM leflux.evicted WHERE id = p_id AND site = p_site);
    DELETE FROM leflux.evicted WHERE id = p_id AND site = p_site;
    INSERT INTO leflux.deletions (id, site, tombstone) VALUES (p_id, p_site, p_tombstone);
    INSERT INTO leflux.tombstones (id, site, until)
        VALUES (p_id, p_site, leflux.now_ms() + (p_tombstone * 1000)::bigint)
        ON CONFLICT (id, site) DO UPDATE SET until = excluded.until;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'erased', json_build_object(
        'sessions', live::integer, 'messages', CASE WHEN live THEN s.seq ELSE 0 END,
        'tasks', CASE WHEN live THEN had_tasks ELSE 0 END, 'outbox', waiting.lines, 'outbox_from', waiting.first)))];
END $$;

-- Drop the leases of workers whose heartbeat has run out (S28). Rows are locked in the order of their ids, as every
-- batch of calls locks them.
CREATE FUNCTION leflux.free_dead(p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    dead text[];
BEGIN
    dead := ARRAY(SELECT worker FROM leflux.workers WHERE until <= p_now FOR UPDATE SKIP LOCKED);
    IF cardinality(dead) = 0 THEN RETURN; END IF;
    PERFORM 1 FROM leflux.sessions
        WHERE asked > answered AND lease_until > 0 AND lease = ANY (dead) ORDER BY id FOR UPDATE;
    UPDATE leflux.sessions SET lease = NULL, lease_until = 0
        WHERE asked > answered AND lease_until > 0 AND lease = ANY (dead);
    DELETE FROM leflux.workers WHERE worker = ANY (dead);
END $$;

CREATE FUNCTION leflux.forget(p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ended text[];
BEGIN
    DELETE FROM leflux.tombstones WHERE (id, site) IN (
        SELECT id, site FROM leflux.tombstones WHERE until <= p_now FOR UPDATE SKIP LOCKED);
    ended := ARRAY(SELECT id FROM leflux.evicted WHERE until <= p_now FOR UPDATE SKIP LOCKED);
    DELETE FROM leflux.evicted_keys WHERE id = ANY (ended);
    DELETE FROM leflux.evicted WHERE id = ANY (ended);
END $$;

-- A session that somebody writes to now is left for the next sweep.
CREATE FUNCTION leflux.evict(p_site text, p_before double precision, p_limit bigint, p_keys_until bigint)
RETURNS json[] LANGUAGE plpgsql AS $$
DECLARE
    idle record;
    names json[] := '{}';
BEGIN
    FOR idle IN SELECT num, id, site, continues FROM leflux.sessions
        WHERE site = p_site AND activity <= p_before ORDER BY activity LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        INSERT INTO leflux.evicted (id, site, continues, until)
            VALUES (idle.id, idle.site, idle.continues, p_keys_until)
            ON CONFLICT (id) DO UPDATE
                SET site = excluded.site, continues = excluded.continues, until = excluded.until;
        INSERT INTO leflux.evicted_keys (id, key, seq, message, fingerprint)
            SELECT idle.id, key, seq, message, fingerprint FROM leflux.keys
            WHERE num = idle.num AND fingerprint IS NOT NULL
            ON CONFLICT (id, key) DO UPDATE
                SET seq = excluded.seq, message = excluded.message, fingerprint = excluded.fingerprint;
        PERFORM leflux.erase_parts(ARRAY[idle.num]);
        UPDATE leflux.outbox SET evicted = true WHERE session = idle.id;
        names := names || json_build_object('site_id', idle.site, 'session_id', idle.id);
    END LOOP;
    RETURN names;
END $$;

CREATE FUNCTION leflux.sweep(p_sites text[], p_idles double precision[], p_limit bigint, p_keys_for bigint)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    evicted json[] := '{}';
    overdue json;
    orphaned json;
BEGIN
    -- Sweeps of several processes come one after the other.
    PERFORM pg_advisory_xact_lock(hashtextextended('leflux.sweep', 1));
    now := leflux.now_ms();
    PERFORM leflux.free_dead(now);
    FOR i IN 1..cardinality(p_sites) LOOP
        EXIT WHEN cardinality(evicted) >= p_limit;
        evicted := evicted
            || leflux.evict(p_sites[i], now - p_idles[i], p_limit - cardinality(evicted), now + p_keys_for);
    END LOOP;
    PERFORM leflux.forget(now);
    SELECT json_agg(json_build_object('site_id', found.site, 'session_id', found.id)) INTO overdue FROM (
        SELECT s.site, s.id FROM leflux.tasks t JOIN leflux.sessions s USING (num)
        WHERE t.status IN ('running', 'held') AND t.deadline <= now AND s.site = ANY (p_sites) LIMIT p_limit) found;
    SELECT json_agg(json_build_object('site_id', found.site, 'session_id', found.id)) INTO orphaned FROM (
        SELECT site, id FROM leflux.sessions
        WHERE asked > answered AND lease_until <= now AND site = ANY (p_sites) LIMIT p_limit) found;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'swept', json_build_object(
        'evicted', array_to_json(evicted), 'overdue', coalesce(overdue, '[]'),
        'orphaned', coalesce(orphaned, '[]'))))];
END $$;
