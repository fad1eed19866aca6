"""Accounts, tokens and sign-ins over a real settings store."""

import asyncio

import pytest

from backends.memory.log import MemorySettingsStore
from leflux.owner.accounts import Accounts
from leflux.owner.credentials import IDLE, LONGEST, NOTE_EVERY
from leflux.protocol import Problem

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
def store() -> MemorySettingsStore:
    return MemorySettingsStore()


@pytest.fixture
async def owners(store: MemorySettingsStore, clock: Clock) -> Accounts:
    owners = Accounts(store, clock)
    await owners.set_account(EMAIL, ["shop"], PASSWORD)
    return owners


async def test_of_processes_that_start_together_one_makes_the_first_account(store: MemorySettingsStore) -> None:
    made = await asyncio.gather(*(Accounts(store).first_admin("a@b.test") for _ in range(4)))
    assert len([password for password in made if password is not None]) == 1
    assert len(await store.names("accounts/")) == 1


async def test_an_email_is_one_account_however_it_is_spelled(owners: Accounts) -> None:
    _, owner = await owners.login("  Owner@Shop.TEST ", PASSWORD)
    assert (owner.email, owner.may_see("shop"), owner.may_see("other")) == (EMAIL, True, False)


async def test_a_sign_in_ends_when_it_is_idle_too_long(owners: Accounts, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE - 1
    assert await owners.signed_in(secret) is not None
    clock.now += IDLE - 1
    assert await owners.signed_in(secret) is not None
    clock.now += IDLE
    assert await owners.signed_in(secret) is None


async def test_looking_at_a_sign_in_does_not_keep_it_from_getting_idle(owners: Accounts, clock: Clock) -> None:
    secret, owner = await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE - 1
    assert await owners.holds(secret) == owner
    clock.now += 1
    assert await owners.holds(secret) is None


async def test_a_sign_in_ends_after_a_week_however_busy(owners: Accounts, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    started = clock.now
    while clock.now - started < LONGEST - IDLE:
        clock.now += IDLE - 1
        assert await owners.signed_in(secret) is not None
    clock.now = started + LONGEST
    assert await owners.signed_in(secret) is None


async def test_a_change_of_the_account_ends_its_sign_ins_and_keeps_its_tokens(owners: Accounts) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    token = await owners.add_token(EMAIL)
    await owners.set_account(EMAIL, ["shop"], "another password")
    assert await owners.signed_in(secret) is None
    assert await owners.bearer(token) is not None
    with pytest.raises(Problem, match="do not belong together"):
        await owners.login(EMAIL, PASSWORD)


async def test_nothing_that_is_stored_opens_a_door(owners: Accounts, store: MemorySettingsStore) -> None:
    secret, owner = await owners.login(EMAIL, PASSWORD)
    token = await owners.add_token(EMAIL)
    stored = str([(name, await store.get(name)) for name in await store.names("")])
    assert owner.csrf is not None
    for kept_back in (PASSWORD, secret, token):
        assert kept_back not in stored


async def test_sign_ins_that_are_over_are_forgotten(owners: Accounts, store: MemorySettingsStore, clock: Clock) -> None:
    await owners.login(EMAIL, PASSWORD)
    clock.now += IDLE
    fresh, _ = await owners.login(EMAIL, PASSWORD)
    await owners.forget_old()
    assert len(await store.names("logins/")) == 1
    assert await owners.signed_in(fresh) is not None


async def test_a_late_note_does_not_bring_back_a_sign_in_that_was_ended(owners: Accounts, clock: Clock) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    clock.now += NOTE_EVERY
    await asyncio.gather(owners.signed_in(secret), owners.logout(secret), owners.signed_in(secret))
    assert await owners.signed_in(secret) is None


async def test_an_account_without_a_password_takes_none(owners: Accounts) -> None:
    await owners.set_account("robot@shop.test", ["*"], None)
    for password in ("", "None", "x" * 2_000):
        with pytest.raises(Problem, match="do not belong together"):
            await owners.login("robot@shop.test", password)


@pytest.mark.parametrize("email", ["", "no-at", "a b@c.test", "a@b\n.test", "a" * 300 + "@b.test"])
async def test_what_is_no_email_makes_no_account(owners: Accounts, email: str) -> None:
    with pytest.raises(ValueError, match="not an email"):
        await owners.set_account(email, ["*"], PASSWORD)


async def test_a_short_password_is_refused(owners: Accounts) -> None:
    with pytest.raises(ValueError, match="12 to 1024"):
        await owners.set_account(EMAIL, ["*"], "short")


async def test_an_account_keeps_its_sites_unless_others_are_named(owners: Accounts) -> None:
    await owners.set_account(EMAIL, None, "another password")
    _, account = await owners.login(EMAIL, "another password")
    assert account.sites == ("shop",)
    await owners.set_account(EMAIL, ["other"], None)
    _, account = await owners.login(EMAIL, "another password")
    assert account.sites == ("other",)


async def test_a_token_sees_no_more_than_its_scope_and_than_its_account(owners: Accounts) -> None:
    await owners.set_account(EMAIL, ["shop", "other"], None)
    token = await owners.add_token(EMAIL, sites=["shop"])
    narrow = await owners.bearer(token)
    assert narrow is not None
    assert (narrow.sites, narrow.is_scoped) == (("shop",), True)
    await owners.set_account(EMAIL, ["other"], None)
    narrow = await owners.bearer(token)
    assert narrow is not None
    assert narrow.sites == ()
    with pytest.raises(ValueError, match="may not see"):
        await owners.add_token(EMAIL, sites=["shop"])
    with pytest.raises(ValueError, match="no account"):
        await owners.add_token("nobody@shop.test")


async def test_a_token_expires_and_remembers_its_last_use(owners: Accounts, clock: Clock) -> None:
    token = await owners.add_token(EMAIL, "nightly export", lifetime=3_600)
    clock.now += 3_599
    assert await owners.bearer(token) is not None
    (entry,) = await owners.tokens.of(EMAIL)
    assert (entry.document.name, entry.document.seen) == ("nightly export", clock.now)
    clock.now += 1
    assert await owners.bearer(token) is None


async def test_a_revoked_token_is_not_brought_back_by_a_use_at_the_same_time(owners: Accounts) -> None:
    token = await owners.add_token(EMAIL)
    (entry,) = await owners.tokens.of(EMAIL)
    await asyncio.gather(owners.bearer(token), owners.tokens.revoke(entry), owners.bearer(token))
    assert await owners.bearer(token) is None


async def test_a_removed_account_leaves_nothing_that_opens_its_successor(owners: Accounts) -> None:
    secret, _ = await owners.login(EMAIL, PASSWORD)
    token = await owners.add_token(EMAIL)
    assert await owners.remove(EMAIL)
    assert not await owners.remove(EMAIL)
    await owners.set_account(EMAIL, ["*"], PASSWORD)
    assert await owners.signed_in(secret) is None
    assert await owners.bearer(token) is None


async def test_a_new_password_needs_the_old_one(owners: Accounts) -> None:
    with pytest.raises(Problem, match="do not belong together"):
        await owners.change_password(EMAIL, "not the password", "another password")
    with pytest.raises(Problem, match="12 to 1024"):
        await owners.change_password(EMAIL, PASSWORD, "short")
    await owners.change_password(EMAIL, PASSWORD, "another password")
    await owners.login(EMAIL, "another password")


async def test_a_sign_in_says_where_it_is_and_what_an_agent_sends_stays_short_and_printable(owners: Accounts) -> None:
    await owners.login(EMAIL, PASSWORD, address="10.0.0.1", agent="Firefox\x1b[31m\n" + "x" * 1_000)
    (entry,) = await owners.sign_ins.of(EMAIL)
    assert (entry.document.address, entry.document.agent[:11]) == ("10.0.0.1", "Firefox[31m")
    assert len(entry.document.agent) == 200
