-- One message, with its idempotency key, its question, and its line in the log or the outbox (S9 to S14).

-- One line of the log with its summary and its day (L1, L7, L9). The line comes before the summary: a deletion by
-- age that is under way locks the summary, and this line then begins a new one.
CREATE FUNCTION leflux.log_line(
    p_site text, p_session text, p_seq integer, p_ts bigint, p_message text, p_role text, p_text bytea, p_body bytea,
    p_started bigint, p_kind text, p_visitor text, p_continues text, p_first bytea, p_words text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM leflux.log_tombstones WHERE id = p_session AND site = p_site AND until > leflux.now_ms();
    IF FOUND THEN RETURN; END IF;
    INSERT INTO leflux.log_lines (site, session, seq, ts, message, role, text, body, kind, words)
        VALUES (p_site, p_session, p_seq, p_ts, p_message, p_role, p_text, p_body, p_kind, 
            array_to_tsvector(coalesce(p_words, '{}')))
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO leflux.log_sessions AS l (site, id, started, activity, messages, first_text, visitor, continues)
        VALUES (p_site, p_session, p_started, p_ts, 1, p_first, p_visitor, p_continues)
        ON CONFLICT (site, id) DO UPDATE SET
            messages = l.messages + 1,
            activity = greatest(l.activity, excluded.activity),
            first_text = CASE WHEN l.first_text = '' THEN excluded.first_text ELSE l.first_text END;
    INSERT INTO leflux.log_days AS d (site, day, session, visitor, messages)
        VALUES (p_site, (p_ts / 86400000)::integer, p_session, p_visitor, 1)
        ON CONFLICT (site, day, session) DO UPDATE SET messages = d.messages + 1;
END $$;

-- The message that has this key in a session that `p_name` continues, stored or evicted (S25).
CREATE FUNCTION leflux.repeat_earlier(p_name text, p_site text, p_key text, p_fingerprint text, p_most integer)
RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    name text := p_name;
    former record;
    known record;
BEGIN
    FOR i IN 1..p_most LOOP
        SELECT num, continues INTO former FROM leflux.sessions WHERE id = name AND site = p_site;
        IF FOUND THEN
            SELECT seq, message, fingerprint INTO known FROM leflux.keys WHERE num = former.num AND key = p_key;
        ELSE
            SELECT id, continues INTO former FROM leflux.evicted
                WHERE id = name AND site = p_site AND until > leflux.now_ms();
            IF NOT FOUND THEN RETURN NULL; END IF;
            SELECT seq, message, fingerprint INTO known FROM leflux.evicted_keys WHERE id = name AND key = p_key;
        END IF;
        IF FOUND THEN
            IF known.fingerprint IS DISTINCT FROM p_fingerprint THEN RETURN leflux.refusal('duplicate'); END IF;
            RETURN ARRAY[leflux.reply(json_build_object(
                'status', 'repeat', 'seq', known.seq, 'message', known.message, 'earlier', name)), ''::bytea];
        END IF;
        name := former.continues;
    END LOOP;
    RETURN NULL;
END $$;

-- `p_log`: 0 not logged, 1 in the log of this store, 2 in the outbox.
CREATE FUNCTION leflux.append(
    p_id text, p_site text, p_idle double precision, p_epoch bigint, p_message text, p_role text, p_text bytea,
    p_body bytea, p_key text, p_fingerprint text, p_kind text, p_renews boolean, p_opens boolean, p_closes bigint,
    p_log integer, p_first bytea, p_words text[], p_most integer, p_account text
) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    s leflux.sessions;
    is_taken boolean;
    known record;
    repeated bytea[];
    stamp bigint;
    stamped bytea;
    now_answered integer;
    now_asked integer;
BEGIN
    SELECT * INTO s FROM leflux.sessions
        WHERE id = p_id AND site = p_site AND activity + p_idle > leflux.now_ms() FOR UPDATE;
    IF NOT FOUND THEN RETURN leflux.absent(p_id, p_site); END IF;
    IF p_key IS NOT NULL THEN
        SELECT k.seq, k.message, k.fingerprint, m.body INTO known
            FROM leflux.keys k JOIN leflux.messages m ON m.num = k.num AND m.seq = k.seq
            WHERE k.num = s.num AND k.key = p_key;
        IF FOUND THEN
            IF p_fingerprint IS NOT NULL AND p_fingerprint IS DISTINCT FROM known.fingerprint THEN
                RETURN leflux.refusal('duplicate');
            END IF;
            RETURN ARRAY[leflux.reply(json_build_object(
                'status', 'repeat', 'seq', known.seq, 'message', known.message)), known.body];
        END IF;
        IF p_fingerprint IS NOT NULL AND s.continues IS NOT NULL THEN
            repeated := leflux.repeat_earlier(s.continues, p_site, p_key, p_fingerprint, p_most);
            IF repeated IS NOT NULL THEN RETURN repeated; END IF;
        END IF;
    END IF;
    IF p_epoch < s.epoch THEN RETURN leflux.refusal('not_owner'); END IF;
    is_taken := s.taker_until > leflux.now_ms();
    IF p_account IS NOT NULL AND NOT (is_taken AND s.taker = p_account) THEN
        RETURN leflux.refusal('not_taken');
    END IF;
    IF s.taker IS NOT NULL AND p_closes <= s.taker_seq THEN
        RETURN ARRAY[leflux.reply(json_build_object('status', 'taken', 'person', leflux.person_json(s)))];
    END IF;
    s.seq := s.seq + 1;
    stamp := greatest(leflux.now_ms(), s.last_ts);
    IF is_taken AND p_account IS NOT NULL THEN
        s.taker_until := leflux.now_ms() + s.taker_silence;
    END IF;
    IF is_taken AND p_opens THEN
        p_opens := false;
        p_closes := s.seq;
    END IF;
    stamped := convert_to('{"seq":' || s.seq || ',"ts":' || stamp || ',', 'UTF8') || substring(p_body FROM 2);
    now_asked := CASE WHEN p_opens THEN s.seq ELSE s.asked END;
    now_answered := greatest(s.answered, coalesce(p_closes, 0));
    UPDATE leflux.sessions SET
        seq = s.seq, last_ts = stamp, activity = CASE WHEN p_renews THEN stamp ELSE activity END,
        asked = now_asked, answered = now_answered, attempts = CASE WHEN p_closes IS NULL THEN attempts ELSE 0 END,
        lease = CASE WHEN now_answered < now_asked THEN lease END,
        lease_until = CASE WHEN now_answered < now_asked THEN lease_until ELSE 0 END, taker_until = s.taker_until
        WHERE num = s.num;
    INSERT INTO leflux.messages (num, seq, body) VALUES (s.num, s.seq, stamped);
    IF p_key IS NOT NULL THEN
        INSERT INTO leflux.keys (num, key, seq, message, fingerprint)
            VALUES (s.num, p_key, s.seq, p_message, p_fingerprint);
    END IF;
    IF p_log = 1 THEN
        PERFORM leflux.log_line(p_site, p_id, s.seq, stamp, p_message, p_role, p_text, stamped, s.created, p_kind,
            s.visitor, s.continues, p_first, p_words);
    ELSIF p_log = 2 THEN
        INSERT INTO leflux.outbox (session, site, seq, ts, message, role, text, body, started, kind, visitor, continues)
            VALUES (p_id, p_site, s.seq, stamp, p_message, p_role, p_text, stamped, s.created, p_kind, s.visitor,
                s.continues);
    END IF;
    RETURN ARRAY[leflux.reply(json_build_object('status', 'ok', 'seq', s.seq, 'message', p_message)), stamped];
END $$;
