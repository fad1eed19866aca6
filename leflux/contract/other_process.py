"""A process of its own, with a clock of its own, that works on the store of a test: `python -m` with JSON as argument.

It prints what it saw as JSON. The clock is shifted before anything else is imported.
"""

import asyncio
import json
import sys
import time

_REAL = time.time


def shift(seconds: float) -> None:
    time.time = lambda: _REAL() + seconds
    time.time_ns = lambda: int((_REAL() + seconds) * 1_000_000_000)


async def work(section: dict[str, object], names: dict[str, str], idle_ttl: float) -> dict[str, object]:
    from backends import open_store, read_settings
    from backends.errors import StorageError
    from backends.records import SessionRef
    from leflux.contract.kit import LONG, SITE, make_draft

    storage = await open_store(read_settings(section), log_shares_store=True)
    found: dict[str, object] = {}
    try:
        live = SessionRef(SITE, names["live"], idle_ttl)
        found["seq"] = (await storage.sessions.append(live, make_draft("from elsewhere", renews=True))).seq
        swept = await storage.sessions.sweep({SITE: idle_ttl}, 100)
        found["evicted"] = [name.session_id for name in swept.evicted]
        found["orphaned"] = [name.session_id for name in swept.orphaned]
        taken = await storage.sessions.lease(SessionRef(SITE, names["leased"], LONG), "elsewhere", LONG)
        found["leased"] = taken is not None
        try:
            await storage.sessions.load(SessionRef(SITE, names["deleted"], LONG))
        except StorageError as error:
            found["deleted"] = type(error).__name__
    finally:
        await storage.close()
    return found


def main() -> None:
    told = json.loads(sys.argv[1])
    shift(told["shift"])
    print(json.dumps(asyncio.run(work(told["section"], told["names"], told["idle_ttl"]))))


if __name__ == "__main__":
    main()
