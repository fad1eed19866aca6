-- Version 1. The files of this folder name the schema `leflux`; the one of the settings is put in its place.
-- Ids are compared byte by byte, as in every other store. Texts of visitors are `bytea`: `text` takes no NUL.

CREATE TABLE leflux.versions (version integer NOT NULL);
CREATE TABLE leflux.pings (one boolean PRIMARY KEY, at bigint NOT NULL);

CREATE TABLE leflux.sessions (
    num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    site text COLLATE "C" NOT NULL,
    visitor text,
    continues text COLLATE "C",
    created bigint NOT NULL,
    activity bigint NOT NULL,
    seq integer NOT NULL DEFAULT 0,
    epoch integer NOT NULL DEFAULT 0,
    holder text,
    asked integer NOT NULL DEFAULT 0,
    answered integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    lease text COLLATE "C",
    lease_until bigint NOT NULL DEFAULT 0,
    last_ts bigint NOT NULL DEFAULT 0,
    -- The newest take-over by a person, also when it is over (S29 to S32). `taker_seq`: the newest message then.
    taker text COLLATE "C",
    taker_name text,
    taker_since bigint NOT NULL DEFAULT 0,
    taker_until bigint NOT NULL DEFAULT 0,
    taker_silence bigint NOT NULL DEFAULT 0,
    taker_seq integer NOT NULL DEFAULT 0
) WITH (fillfactor = 60);
CREATE INDEX sessions_idle ON leflux.sessions (site, activity);
CREATE INDEX sessions_open ON leflux.sessions (lease_until) WHERE asked > answered;

CREATE TABLE leflux.messages (
    num bigint NOT NULL, seq integer NOT NULL, body bytea NOT NULL, PRIMARY KEY (num, seq));
CREATE TABLE leflux.keys (
    num bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    message text NOT NULL,
    fingerprint text,
    PRIMARY KEY (num, key)
);
CREATE TABLE leflux.contexts (num bigint PRIMARY KEY, context bytea, prior bytea);
CREATE TABLE leflux.tasks (
    num bigint PRIMARY KEY,
    task text NOT NULL,
    status text NOT NULL,
    body bytea NOT NULL,
    deadline bigint,
    version integer NOT NULL
);
CREATE INDEX tasks_due ON leflux.tasks (deadline) WHERE status IN ('running', 'held');
CREATE TABLE leflux.tombstones (
    id text COLLATE "C" NOT NULL, site text COLLATE "C" NOT NULL, until bigint NOT NULL, PRIMARY KEY (id, site));
CREATE TABLE leflux.evicted (
    id text COLLATE "C" PRIMARY KEY, site text COLLATE "C" NOT NULL, continues text COLLATE "C", until bigint NOT NULL);
CREATE INDEX evicted_until ON leflux.evicted (until);
CREATE TABLE leflux.evicted_keys (
    id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    message text NOT NULL,
    fingerprint text NOT NULL,
    PRIMARY KEY (id, key)
);
CREATE TABLE leflux.deletions (
    id text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    tombstone double precision NOT NULL,
    PRIMARY KEY (id, site)
);
CREATE TABLE leflux.workers (worker text COLLATE "C" PRIMARY KEY, until bigint NOT NULL);
CREATE TABLE leflux.outbox (
    num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    ts bigint NOT NULL,
    message text NOT NULL,
    role text NOT NULL,
    text bytea NOT NULL,
    body bytea NOT NULL,
    started bigint NOT NULL,
    kind text,
    visitor text,
    continues text,
    evicted boolean NOT NULL DEFAULT false,
    UNIQUE (session, seq)
);
CREATE INDEX outbox_order ON leflux.outbox (evicted DESC, num);

CREATE TABLE leflux.log_sessions (
    site text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    started bigint NOT NULL,
    activity bigint NOT NULL,
    messages integer NOT NULL,
    first_text bytea NOT NULL,
    visitor text,
    continues text COLLATE "C",
    PRIMARY KEY (site, id)
) WITH (fillfactor = 80);
CREATE INDEX log_sessions_activity ON leflux.log_sessions (site, activity, id);
CREATE INDEX log_sessions_continues ON leflux.log_sessions (site, continues) WHERE continues IS NOT NULL;
CREATE TABLE leflux.log_lines (
    site text COLLATE "C" NOT NULL,
    session text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    ts bigint NOT NULL,
    message text NOT NULL,
    role text NOT NULL,
    text bytea NOT NULL,
    body bytea NOT NULL,
    kind text,
    words tsvector NOT NULL,
    PRIMARY KEY (site, session, seq)
);
CREATE INDEX log_lines_words ON leflux.log_lines USING gin (words);
CREATE TABLE leflux.log_days (
    site text COLLATE "C" NOT NULL,
    day integer NOT NULL,
    session text COLLATE "C" NOT NULL,
    visitor text,
    messages integer NOT NULL,
    PRIMARY KEY (site, day, session)
) WITH (fillfactor = 80);
CREATE INDEX log_days_session ON leflux.log_days (site, session);
CREATE TABLE leflux.log_tombstones (
    id text COLLATE "C" NOT NULL, site text COLLATE "C" NOT NULL, until bigint NOT NULL, PRIMARY KEY (id, site));

CREATE TABLE leflux.documents (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL, version integer NOT NULL);
CREATE TABLE leflux.audit (
    num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text COLLATE "C" NOT NULL,
    ts bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    details bytea NOT NULL
);
CREATE INDEX audit_site ON leflux.audit (site, ts);
