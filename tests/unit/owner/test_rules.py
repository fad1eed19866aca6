"""The rules that several processes keep in memory over one store."""

import asyncio

import pytest

from backends.errors import StoreUnavailable
from backends.memory.log import MemorySettingsStore
from backends.records import Versioned
from leflux.chat.policy import TOMBSTONE_SLACK, Policy
from leflux.owner.documents import Refresher
from leflux.owner.rules import Policies, PrivacySettings, changes
from leflux.protocol import Problem
from tests.services.wait import until

DEFAULT = Policy(client_ttl=3_600, user_data_ttl=7_200, idle_ttl=60, task_hold=30, read_only=3)


def policies(store: MemorySettingsStore) -> Policies:
    return Policies({"shop": DEFAULT, "other": DEFAULT}, store)


async def changed(target: Policies, **rules: object) -> PrivacySettings:
    now = await target.privacy("shop")
    wanted = PrivacySettings(**({name: getattr(now, name) for name in now.__struct_fields__} | rules))
    return await target.change("shop", wanted)


async def test_a_change_is_known_at_once_here_and_after_a_refresh_elsewhere() -> None:
    store = MemorySettingsStore()
    here, there = policies(store), policies(store)
    await changed(here, idle_ttl_ms=5_000)
    assert (here.current["shop"].idle_ttl, there.current["shop"].idle_ttl, here.current["other"].idle_ttl) == (
        5,
        60,
        60,
    )
    await Refresher([there.documents]).load()
    assert there.current["shop"].idle_ttl == 5
    assert there.idle_ttls() == {"shop": 5, "other": 60}


async def test_of_two_owners_who_change_one_version_one_wins() -> None:
    store = MemorySettingsStore()
    read = [PrivacySettings(60_000, idle_ms, 60_000, True, None, version=0) for idle_ms in (5_000, 6_000)]
    results = await asyncio.gather(*(policies(store).change("shop", wanted) for wanted in read), return_exceptions=True)
    lost = [result for result in results if isinstance(result, Problem)]
    assert [problem.code for problem in lost] == ["conflict"]


async def test_a_tombstone_outlives_every_cache_that_an_earlier_rule_allowed() -> None:
    target = policies(MemorySettingsStore())
    await changed(target, client_ttl_ms=1_000, user_data_ttl_ms=1_000)
    await changed(target, client_ttl_ms=2_000)
    assert target.current["shop"].tombstone() == 7_200 + TOMBSTONE_SLACK


async def test_a_read_that_was_overtaken_does_not_bring_back_the_old_rules() -> None:
    store = MemorySettingsStore()
    target = policies(store)
    await changed(target, idle_ttl_ms=5_000)
    old = await store.get("privacy/shop")
    await changed(target, idle_ttl_ms=9_000)

    class Late(MemorySettingsStore):
        async def get(self, name: str) -> Versioned | None:
            return old

    target.documents._store = Late()
    await target.documents.refresh("shop")
    assert target.current["shop"].idle_ttl == 9


class Flaky(MemorySettingsStore):
    """Does not answer every other read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def get(self, name: str) -> Versioned | None:
        self.asked += 1
        if self.asked % 2:
            raise StoreUnavailable("away")
        return await super().get(name)


async def test_a_store_that_is_away_leaves_the_rules_as_they_were_and_is_asked_again() -> None:
    store = Flaky()
    target = Policies({"shop": DEFAULT}, store)
    refresher = Refresher([target.documents], interval=0.01)
    refresher.start()
    try:
        other = policies(MemorySettingsStore())
        await changed(other, idle_ttl_ms=5_000)
        document = await other.documents._store.get("privacy/shop")
        assert document is not None
        await store.put("privacy/shop", document.value, 0)
        await until(lambda: target.current["shop"].idle_ttl == 5, "the new rules are known")
    finally:
        await refresher.stop()


async def test_a_site_is_not_served_by_rules_that_cannot_be_read() -> None:
    with pytest.raises(StoreUnavailable):
        await Refresher([Policies({"shop": DEFAULT}, Flaky()).documents]).load()


def test_the_trail_names_only_what_differs() -> None:
    before = PrivacySettings(1_000, 1_000, 1_000, True, None, version=3)
    after = PrivacySettings(1_000, 2_000, 1_000, False, 30, version=4)
    assert changes(before, after) == {"idleTtlMs": 2_000, "messageLog": False, "logRetentionDays": 30}
