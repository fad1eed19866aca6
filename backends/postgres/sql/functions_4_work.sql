-- The task, the lease on the open question, the processes that answer, and the person who takes the session.

CREATE FUNCTION leflux.swap_task(
    p_id text, p_site text, p_idle double precision, p_epoch bigint, p_expect bigint, p_renews boolean, p_task text,
    p_status text, p_body bytea, p_deadline bigint
) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    stored integer;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    IF p_epoch < s.epoch THEN RETURN leflux.refusal('not_owner'); END IF;
    stored := coalesce((SELECT version FROM leflux.tasks WHERE num = s.num), 0);
    IF stored <> p_expect THEN
        RETURN ARRAY[leflux.reply(json_build_object('status', 'conflict', 'version', stored))];
    END IF;
    INSERT INTO leflux.tasks (num, task, status, body, deadline, version)
        VALUES (s.num, p_task, p_status, p_body, p_deadline, stored + 1)
        ON CONFLICT (num) DO UPDATE SET task = excluded.task, status = excluded.status, body = excluded.body,
            deadline = excluded.deadline, version = excluded.version;
    IF p_renews THEN
        UPDATE leflux.sessions SET activity = leflux.now_ms() WHERE num = s.num;
    END IF;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'version', stored + 1))];
END $$;

CREATE FUNCTION leflux.take_lease(p_id text, p_site text, p_idle double precision, p_worker text, p_lasts bigint)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    now bigint;
    held boolean;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    now := leflux.now_ms();
    held := s.lease IS NOT NULL AND now < s.lease_until;
    IF s.asked <= s.answered OR (held AND s.lease <> p_worker) THEN
        RETURN leflux.refusal('ok');
    END IF;
    UPDATE leflux.sessions SET lease = p_worker, lease_until = now + p_lasts,
        attempts = attempts + CASE WHEN held THEN 0 ELSE 1 END
        WHERE num = s.num RETURNING * INTO s;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'session', leflux.session_json(s)))];
END $$;

CREATE FUNCTION leflux.give_back(p_id text, p_site text, p_worker text) RETURNS bytea[] LANGUAGE plpgsql AS $$
BEGIN
    UPDATE leflux.sessions SET lease = NULL, lease_until = 0 WHERE id = p_id AND site = p_site AND lease = p_worker;
    RETURN leflux.refusal('ok');
END $$;

CREATE FUNCTION leflux.heartbeat(p_worker text, p_lasts bigint) RETURNS bytea[] LANGUAGE plpgsql AS $$
BEGIN
    IF p_lasts = 0 THEN
        DELETE FROM leflux.workers WHERE worker = p_worker;
    ELSE
        INSERT INTO leflux.workers (worker, until) VALUES (p_worker, leflux.now_ms() + p_lasts)
            ON CONFLICT (worker) DO UPDATE SET until = excluded.until;
    END IF;
    RETURN leflux.refusal('ok');
END $$;

CREATE FUNCTION leflux.take(
    p_id text, p_site text, p_idle double precision, p_account text, p_name text, p_silence bigint, p_force boolean
) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    former json;
    now bigint;
    is_repeat boolean;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    now := leflux.now_ms();
    is_repeat := s.taker_until > now AND s.taker = p_account;
    IF NOT is_repeat THEN
        former := leflux.person_json(s);
        IF former IS NOT NULL AND NOT p_force THEN
            RETURN ARRAY[leflux.reply(json_build_object('status', 'taken', 'person', former))];
        END IF;
        s.taker_since := now;
    END IF;
    UPDATE leflux.sessions SET
        taker = p_account, taker_name = p_name, taker_since = s.taker_since, taker_until = now + p_silence,
        taker_silence = p_silence, taker_seq = seq, answered = greatest(answered, asked), attempts = 0, lease = NULL,
        lease_until = 0
        WHERE num = s.num;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'taking', json_build_object(
        'person', json_build_object(
            'account', p_account, 'name', p_name, 'since', s.taker_since, 'until', now + p_silence),
        'taken_from', former, 'is_new', NOT is_repeat)))];
END $$;

CREATE FUNCTION leflux.hand_back(p_id text, p_site text, p_idle double precision, p_account text)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    has_it boolean;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    has_it := s.taker_until > leflux.now_ms() AND s.taker = p_account;
    IF has_it THEN
        UPDATE leflux.sessions SET taker_until = 0 WHERE num = s.num;
    END IF;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'done', has_it))];
END $$;
