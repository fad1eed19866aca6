"""Accounts, tokens and sign-ins over a real settings store."""

import asyncio

import pytest

from backends.memory_log import MemorySettings
from leflux.owners import IDLE, LONGEST, NOTE_EVERY, Owners
from leflux.problems import Problem

EMAIL, PASSWORD = "owner@shop.test", "correct horse battery"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemorySettings:
    return MemorySettings()


@pytest.fixture
async def owners(store: MemorySettings, clock: Clock) -> Owners:
    owners = Owners(store, clock)
    await owners.set_account(EMAIL, ["shop"], PASSWORD)
    return owners


async def test_of_processes_that_start_together_one_makes_the_first_account(store: MemorySettings) -> None:
    made = await asyncio.gather(*(Owners(store).first_admin("a@b.test") for _ in range(4)))
    assert len([password for password in made if password is not None]) == 1
    assert len(await store.names("accounts/")) == 1


async def test_an_email_is_one_account_however_it_is_spelled(owners: Owners) -> None:
    _, owner = await owners.login("  Owner@Shop.TEST ", PASSWORD)
    assert (owner.email, owner.may_see("shop"), owner.may_see("other")) == (EMAIL, True, False)


async def test_a_sign_in_ends_when_it_is_idle_too_long(owners: Owners, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE - 1
    assert await owners.signed_in(secret) is not None
    clock.now += IDLE - 1
    assert await owners.signed_in(secret) is not None
    clock.now += IDLE
    assert await owners.signed_in(secret) is None


async def test_looking_at_a_sign_in_does_not_keep_it_from_getting_idle(owners: Owners, clock: Clock) -> None:
    secret, owner = await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE - 1
    assert await owners.holds(secret) == owner
    clock.now += 1
    assert await owners.holds(secret) is None


async def test_a_sign_in_ends_after_a_week_however_busy(owners: Owners, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    started = clock.now
    while clock.now - started < LONGEST - IDLE:
        clock.now += IDLE - 1
        assert await owners.signed_in(secret) is not None
    clock.now = started + LONGEST
    assert await owners.signed_in(secret) is None


async def test_a_change_of_the_account_ends_its_sign_ins_and_keeps_its_tokens(owners: Owners) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    token = await owners.add_token(EMAIL)
    await owners.set_account(EMAIL, ["shop"], "another password")
    assert await owners.signed_in(secret) is None
    assert await owners.bearer(token) is not None
    with pytest.raises(Problem, match="do not belong together"):
        await owners.login(EMAIL, PASSWORD)


async def test_nothing_that_is_stored_opens_a_door(owners: Owners, store: MemorySettings) -> None:
    secret, owner = await owners.login(EMAIL, PASSWORD)
    token = await owners.add_token(EMAIL)
    stored = str([(name, await store.get(name)) for name in await store.names("")])
    assert owner.csrf is not None
    for kept_back in (PASSWORD, secret, token):
        assert kept_back not in stored


async def test_sign_ins_that_are_over_are_forgotten(owners: Owners, store: MemorySettings, clock: Clock) -> None:
    await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE
    fresh, _ = await owners.login(EMAIL, PASSWORD)
    await owners.forget_old()
    assert len(await store.names("logins/")) == 1
    assert await owners.signed_in(fresh) is not None


async def test_a_late_note_does_not_bring_back_a_sign_in_that_was_ended(owners: Owners, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    clock.now += NOTE_EVERY
    await asyncio.gather(owners.signed_in(secret), owners.logout(secret), owners.signed_in(secret))
    assert await owners.signed_in(secret) is None


async def test_an_account_without_a_password_takes_none(owners: Owners) -> None:
    await owners.set_account("robot@shop.test", ["*"], None)
    for password in ("", "None", "x" * 2_000):
        with pytest.raises(Problem, match="do not belong together"):
            await owners.login("robot@shop.test", password)


@pytest.mark.parametrize("email", ["", "no-at", "a b@c.test", "a@b\n.test", "a" * 300 + "@b.test"])
async def test_what_is_no_email_makes_no_account(owners: Owners, email: str) -> None:
    with pytest.raises(ValueError, match="not an email"):
        await owners.set_account(email, ["*"], PASSWORD)


async def test_a_short_password_is_refused(owners: Owners) -> None:
    with pytest.raises(ValueError, match="12 to 1024"):
        await owners.set_account(EMAIL, ["*"], "short")
