"""The heartbeat renews a task's deadline while its page is here, whatever the store answers."""

from collections.abc import Callable
from typing import Any

import pytest

from backends.errors import NotOwner, SessionDeleted, StoreUnavailable, VersionConflict
from backends.records import SessionRef
from leflux.tasks.heartbeat import Heartbeat
from tests.services.wait import until

REF = SessionRef("shop", "0b5a6a5e-7f5c-4a43-9f0a-111111111111", 60.0)


class Repository:
    """Stands for the stored task: each read raises the next of `errors`."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.reads = 0

    async def live(self, ref: SessionRef) -> Any:
        self.reads += 1
        raise self.errors.pop(0)


def beating(epoch: Callable[[str], int | None] = lambda _: 1) -> Heartbeat:
    heartbeat = Heartbeat(epoch, 0.01)
    heartbeat.add(REF)
    return heartbeat


@pytest.mark.parametrize("error", [StoreUnavailable("away"), KeyError("a fault"), VersionConflict(2)])
async def test_a_page_is_kept_over_an_error_that_passes(error: Exception) -> None:
    heartbeat, repository = beating(), Repository(error, SessionDeleted(REF.session_id))
    heartbeat.start(repository)  # type: ignore[arg-type]
    try:
        await until(lambda: repository.reads == 2, "the task is read again")
        await until(lambda: not heartbeat.vouches(REF.session_id), "an erased session is forgotten")
    finally:
        await heartbeat.stop()


async def test_a_page_that_lost_the_session_or_left_is_forgotten() -> None:
    heartbeat = beating()
    await heartbeat.vouch(Repository(NotOwner(REF.session_id)), REF)  # type: ignore[arg-type]
    assert not heartbeat.vouches(REF.session_id)
    here = [True]
    heartbeat = beating(lambda _: 1 if here[0] else None)
    assert heartbeat.vouches(REF.session_id)
    here[0] = False
    await heartbeat.vouch(Repository(), REF)  # type: ignore[arg-type]
    assert not heartbeat.vouches(REF.session_id)


def test_a_page_that_is_not_here_is_not_added() -> None:
    assert not beating(lambda _: None).vouches(REF.session_id)


async def test_a_heartbeat_that_never_began_can_be_stopped() -> None:
    await beating().stop()
