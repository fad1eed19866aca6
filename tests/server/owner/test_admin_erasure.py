"""A purge wins every race: nothing of what the visitor said is left in the stores' bytes or in the server's log."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.conftest import Services
from tests.server.erasing import Round
from tests.server.searching import STORES, searched

ROUNDS, SOAK_ROUNDS = 20, 200
# An answer takes long enough to be in flight when its conversation is erased.
SLOW = {"kind": "echo", "echo": {"delay": "10ms"}}


async def race(kind: str, folder: Path, services: Services, rounds: int, first: int = 0) -> None:
    async with searched(kind, folder, services, agent=SLOW) as (kit, search):
        owner = await kit.owner()
        for seed in range(first, first + rounds):
            with capture_logs() as logged:
                done = Round(await kit.visitor(), owner, search, seed)
                await done.run()
            assert logged
            assert done.canary not in repr(logged)


@pytest.mark.parametrize("kind", STORES)
async def test_nothing_is_left_of_a_conversation_that_is_erased_while_it_goes_on(
    tmp_path: Path, services: Services, kind: str
) -> None:
    await race(kind, tmp_path, services, ROUNDS // len(STORES))


@pytest.mark.soak
@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("part", range(4))
async def test_nothing_is_left_after_many_rounds(tmp_path: Path, services: Services, kind: str, part: int) -> None:
    rounds = SOAK_ROUNDS // 4
    await race(kind, tmp_path, services, rounds, first=1_000 + part * rounds)
