"""A search of the SQLite log gives the same pages whether its words are rare or common (L4)."""

import random
from pathlib import Path

import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.records import LogQuery, LogSession
from backends.sqlite import SqliteSettings
from backends.sqlite import search as search_module
from tests.contract.kit import OTHER_SITE, SITE, make_entry

START = 1_700_000_000_000
TEXTS = ("brass lamp", "linen lamp", "oak", "brass oak lamps", "")


async def filled(storage: Storage, chance: random.Random) -> dict[str, int]:
    """When each session was last active; many at the same moment, and their lines not in the order of the listing."""
    activity: dict[str, int] = {}
    for _ in range(120):
        name, ts = f"s-{chance.randrange(40)}", START + chance.randrange(15)
        activity[name] = max(activity.get(name, 0), ts)
        seq = len(activity) * 1_000 + chance.randrange(1_000_000)
        await storage.log.append([make_entry(name, seq, chance.choice(TEXTS), ts=ts)])
    await storage.log.append([make_entry("s-other", text="brass lamp", site_id=OTHER_SITE)])
    return activity


async def listed(storage: Storage, query: LogQuery) -> list[LogSession]:
    seen: list[LogSession] = []
    while True:
        page = await storage.log.sessions(SITE, query)
        seen += page.sessions
        if page.next_cursor is None:
            return seen
        query = LogQuery(query.words, query.start, query.end, page.next_cursor, query.limit)


@pytest.mark.parametrize("seed", range(4))
async def test_common_words_give_the_pages_that_rare_ones_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    storage = await open_storage(
        StoreSettings(backend="sqlite", options=SqliteSettings(path=str(tmp_path / "leflux.db")))
    )
    try:
        activity = await filled(storage, chance)
        for words in ("lamp", "brass lamp", "lam", "oak", "paper", ""):
            for start, end in ((None, None), (START + 3, START + 11)):
                query = LogQuery(words, start, end, limit=chance.choice([1, 3, 50]))
                rare = await listed(storage, query)
                with monkeypatch.context() as patched:
                    patched.setattr(search_module, "FEW", -1)
                    patched.setattr(search_module, "FIRST_BLOCK", 2)
                    assert await listed(storage, query) == rare
                order = [(session.last_activity, session.session_id) for session in rare]
                assert order == sorted(set(order), reverse=True)
                assert all(activity[name] == ts for ts, name in order)
                assert words == "paper" or rare
    finally:
        await storage.close()
