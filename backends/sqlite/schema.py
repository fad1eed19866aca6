"""The tables, and how a connection is opened.

`log_text` holds words as `backends.text.words` cuts and folds them: the tokenizer only splits them at the spaces.
"""

import sqlite3
from pathlib import Path

from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.text import words

BUSY_MS = 3_000

_SCHEMA = """
CREATE TABLE sessions (
    num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, site TEXT NOT NULL, visitor TEXT, continues TEXT,
    created INTEGER NOT NULL, activity INTEGER NOT NULL, seq INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0, owner TEXT, asked INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT, lease_until INTEGER NOT NULL DEFAULT 0, last_ts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX sessions_idle ON sessions (site, activity);
CREATE INDEX sessions_open ON sessions (lease_until) WHERE asked > answered;
CREATE TABLE messages (num INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (num, seq)) WITHOUT ROWID;
CREATE TABLE keys (num INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, message TEXT NOT NULL,
    fingerprint TEXT, PRIMARY KEY (num, key)) WITHOUT ROWID;
CREATE TABLE contexts (num INTEGER PRIMARY KEY, context BLOB, prior BLOB);
CREATE TABLE tasks (num INTEGER PRIMARY KEY, task TEXT NOT NULL, status TEXT NOT NULL, body BLOB NOT NULL,
    deadline INTEGER, version INTEGER NOT NULL);
CREATE INDEX tasks_due ON tasks (deadline) WHERE status IN ('running', 'held');
CREATE TABLE tombstones (id TEXT NOT NULL, site TEXT NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (id, site)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, site TEXT NOT NULL,
    seq INTEGER NOT NULL, entry BLOB NOT NULL, evicted INTEGER NOT NULL DEFAULT 0, UNIQUE (session, seq));
CREATE INDEX outbox_order ON outbox (evicted DESC, id);
CREATE TABLE log_sessions (
    num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, site TEXT NOT NULL, visitor TEXT, continues TEXT,
    started INTEGER NOT NULL, activity INTEGER NOT NULL, messages INTEGER NOT NULL, first_text TEXT NOT NULL);
CREATE INDEX log_sessions_activity ON log_sessions (site, activity, id);
CREATE INDEX log_sessions_continues ON log_sessions (continues) WHERE continues IS NOT NULL;
CREATE TABLE log_lines (
    line INTEGER PRIMARY KEY, num INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL,
    message TEXT NOT NULL, role TEXT NOT NULL, kind TEXT, text TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (num, seq));
CREATE TABLE log_days (site TEXT NOT NULL, day INTEGER NOT NULL, num INTEGER NOT NULL, visitor TEXT,
    messages INTEGER NOT NULL, PRIMARY KEY (site, day, num)) WITHOUT ROWID;
CREATE INDEX log_days_num ON log_days (num);
CREATE VIRTUAL TABLE log_text USING fts5 (words, tokenize = 'ascii');
CREATE TABLE log_tombstones (id TEXT NOT NULL, site TEXT NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (id, site)) WITHOUT ROWID;
CREATE TABLE documents (name TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, ts INTEGER NOT NULL,
    actor TEXT NOT NULL, action TEXT NOT NULL, details BLOB NOT NULL);
CREATE INDEX audit_site ON audit (site, ts);
"""
_VERSION_2 = """
CREATE TABLE evicted (id TEXT PRIMARY KEY, site TEXT NOT NULL, continues TEXT, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX evicted_until ON evicted (until);
CREATE TABLE evicted_keys (id TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, message TEXT NOT NULL,
    fingerprint TEXT NOT NULL, PRIMARY KEY (id, key)) WITHOUT ROWID;
CREATE TABLE deletions (id TEXT NOT NULL, site TEXT NOT NULL, tombstone REAL NOT NULL,
    PRIMARY KEY (id, site)) WITHOUT ROWID;
"""
_VERSION_3 = """
CREATE TABLE workers (worker TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
"""
_VERSION_4 = "ALTER TABLE sessions RENAME COLUMN owner TO holder"
_VERSION_5 = "DELETE FROM log_text"
_WORDS_CHANGED = 5
_VERSION_6 = "ALTER TABLE sessions ADD COLUMN take_over BLOB"
_VERSIONS = (_SCHEMA, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6)
VERSION = len(_VERSIONS)


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread. Raises `StoreUnavailable`."""
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.DatabaseError as error:
        if connection is not None:
            connection.close()
        raise _cannot_open(path, error) from None
    return connection


def migrate(path: Path) -> None:
    """Make the file and its tables. Raises `StoreMisconfigured` for a path or a file that cannot serve."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreMisconfigured(f"{path.parent} cannot be made: {error.strerror}") from None
    connection = connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreMisconfigured(
                f"{path} was written by a newer LeFlux (schema {version}; this one knows {VERSION})"
            )
        for changes in _VERSIONS[version:]:
            for statement in changes.split(";\n"):
                connection.execute(statement)
        if 0 < version < _WORDS_CHANGED:
            _index_anew(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        if version == 0:
            _configure_search(connection)
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise _cannot_open(path, error) from None
    finally:
        connection.close()


def _index_anew(connection: sqlite3.Connection) -> None:
    """The words that messages are found by have changed."""
    for line, text in connection.execute("SELECT line, text FROM log_lines"):
        connection.execute("INSERT INTO log_text (rowid, words) VALUES (?, ?)", (line, " ".join(words(text))))


def _configure_search(connection: sqlite3.Connection) -> None:
    if sqlite3.sqlite_version_info >= (3, 42, 0):
        connection.execute("INSERT INTO log_text (log_text, rank) VALUES ('secure-delete', 1)")


def _cannot_open(path: Path, error: sqlite3.DatabaseError) -> Exception:
    locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
    return (StoreUnavailable if locked else StoreMisconfigured)(f"{path} cannot be used: {error}")
