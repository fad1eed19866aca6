"""Whether the server may lose acknowledged messages: docs/decisions/psycopg.md."""

import time

from psycopg import AsyncRawCursor, Error

from backends.postgres import PostgresSettings
from backends.postgres.connect import first_connection

CLOCK_SECONDS = 1.0
"""A difference of clocks from which on times that people read are no longer what they say."""
_ASKED = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'default_transaction_read_only')
"""
_WANTED = {
    "fsync": ("off", "a power failure may damage the database"),
    "full_page_writes": ("off", "a power failure may damage the database"),
    "synchronous_commit": ("off", "a crash loses acknowledged messages"),
}


async def diagnose(options: PostgresSettings, deadline: float) -> list[str]:
    """Settings by which a crash loses messages, and a clock that differs. Raises as `open_store`."""
    connection = await first_connection(options.url, deadline)
    try:
        cursor = AsyncRawCursor(connection)
        await cursor.execute(_ASKED)
        settings: dict[str, str] = dict(await cursor.fetchall())
        await cursor.execute("SELECT extract(epoch FROM clock_timestamp())::double precision")
        [seconds] = await cursor.fetchone() or [time.time()]
    except Error:
        return []
    finally:
        await connection.close()
    found = [
        f"{name} is {bad}: {why}; expected on" for name, (bad, why) in _WANTED.items() if settings.get(name) == bad
    ]
    ahead = float(seconds) - time.time()
    if abs(ahead) > CLOCK_SECONDS:
        found.append(f"the clock of the PostgreSQL server is {ahead:+.0f} s off this machine's")
    return found
