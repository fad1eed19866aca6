"""Migrations run in order, once each where nothing interferes, and go on after an interruption anywhere."""

import random
from typing import Any

import pytest

from backends import StoreSettings, open_storage
from backends.errors import StoreMisconfigured
from backends.schema import NAME, migrate


class Killed(Exception):
    """The process ends here."""


class Migrated:
    """Two migrations of two steps each; the process ends after `left` more steps."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.left = 99

    def step(self, name: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed
        if name not in self.done:
            self.done.append(name)

    def steps(self) -> list[Any]:
        async def one(_: Any) -> None:
            self.step("1a")
            self.step("1b")

        async def two(_: Any) -> None:
            self.step("2a")
            self.step("2b")

        return [one, two]


@pytest.mark.parametrize("seed", range(20))
async def test_what_was_interrupted_anywhere_is_completed_by_a_later_start(seed: int) -> None:
    chance, work = random.Random(seed), Migrated()
    storage = await open_storage(StoreSettings())
    starts = 0
    while True:
        starts += 1
        work.left = chance.randrange(4) if starts < 6 else 99
        try:
            await migrate(storage, work.steps())
        except Killed:
            continue
        break
    assert work.done == ["1a", "1b", "2a", "2b"]
    found = await storage.settings.get(NAME)
    assert found is not None
    assert found.value == b'{"version":3}'
    work.left = 0
    await migrate(storage, work.steps())
    with pytest.raises(StoreMisconfigured, match=r"newer LeFlux \(schema 3; this one knows 1\)"):
        await migrate(storage, [])


async def test_processes_that_start_together_agree() -> None:
    storage, work = await open_storage(StoreSettings()), Migrated()

    async def meanwhile(_: Any) -> None:
        if len(work.done) < 4:
            await migrate(storage, work.steps())

    await migrate(storage, [meanwhile, meanwhile])
    found = await storage.settings.get(NAME)
    assert found is not None
    assert found.value == b'{"version":3}'
