"""Who may see which site: accounts, API tokens and sign-ins, as documents of the settings store.

Passwords are kept as argon2id; of tokens and sign-ins only a hash is stored, so that the store opens no door.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.problems import Problem

EVERY_SITE = "*"
IDLE, LONGEST = 8 * 3600.0, 7 * 86400.0
# How late the note of a sign-in's last use may be; it spares a write on every call.
NOTE_EVERY = 60.0
HASHES_AT_ONCE = 2
LEAST_PASSWORD, LONGEST_PASSWORD = 12, 1024
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
T = TypeVar("T")


class Owner(Struct, frozen=True):
    """Someone who has signed in. `csrf` is None for an API token, which no browser sends by itself."""

    email: str
    sites: tuple[str, ...]
    csrf: str | None = None

    def may_see(self, site_id: str) -> bool:
        return EVERY_SITE in self.sites or site_id in self.sites


class _Account(Struct, frozen=True, rename="camel"):
    """`password` is an argon2id hash; None: signs in with tokens only."""

    email: str
    sites: tuple[str, ...]
    password: str | None = None


class _Login(Struct, frozen=True, rename="camel"):
    """Ends with any change of its account (`version`). Times in seconds since the epoch."""

    email: str
    version: int
    csrf: str
    started: float
    seen: float


class _Token(Struct, frozen=True, rename="camel"):
    email: str
    created: float


class Owners:
    """`clock` gives seconds since the epoch."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._decoy: str | None = None

    async def first_admin(self, email: str) -> str | None:
        """Make an account that sees every site when there is no account at all; returns its password, once.

        Of processes that start together, one makes it; the others get None.
        """
        if await self._store.names("accounts/"):
            return None
        password = new_password()
        account = _Account(checked_email(email), (EVERY_SITE,), await self._hash(password))
        try:
            await self._store.put(_account(account.email), msgspec.json.encode(account), 0)
        except VersionConflict:
            return None
        return password

    async def set_account(self, email: str, sites: Sequence[str], password: str | None) -> None:
        """Make an account, or change it, which ends its sign-ins. No password: it keeps the one it has."""
        email = checked_email(email)
        hashed = None if password is None else await self._hash(checked_password(password))
        before, version = await self._read(_account(email), _Account)
        if hashed is None and before is not None:
            hashed = before.password
        account = _Account(email, tuple(sites), hashed)
        await self._store.put(_account(email), msgspec.json.encode(account), version)

    async def has_account(self, email: str) -> bool:
        return await self._store.get(_account(checked_email(email))) is not None

    async def add_token(self, email: str) -> str:
        """A new API token for an account; it is shown this once."""
        token = f"lfx_{secrets.token_urlsafe(32)}"
        document = _Token(checked_email(email), self._clock())
        await self._store.put(_name("tokens", token), msgspec.json.encode(document), 0)
        return token

    async def login(self, email: str, password: str, last: str | None = None) -> tuple[str, Owner]:
        """A fresh sign-in's secret and its owner; `last`, the browser's sign-in so far, ends. Raises `unauthorized`."""
        account, version = await self._read(_account(email.strip().lower()), _Account)
        hashed = account.password if account is not None else None
        # An unknown address costs the same time as a known one.
        if not await self._verified(hashed, password) or account is None:
            raise Problem("unauthorized", "This email and this password do not belong together.")
        if last is not None:
            await self.logout(last)
        secret, now = secrets.token_urlsafe(32), self._clock()
        login = _Login(account.email, version, secrets.token_urlsafe(24), now, now)
        await self._store.put(_name("logins", secret), msgspec.json.encode(login), 0)
        return secret, Owner(account.email, account.sites, login.csrf)

    async def signed_in(self, secret: str) -> Owner | None:
        """The owner of a sign-in, if it still holds; using it renews its idle time."""
        return await self._checked(secret, renews=True)

    async def holds(self, secret: str) -> Owner | None:
        """The owner of a sign-in, if it still holds; looking is no use of it."""
        return await self._checked(secret, renews=False)

    async def _checked(self, secret: str, renews: bool) -> Owner | None:
        name = _name("logins", secret)
        login, version = await self._read(name, _Login)
        if login is None:
            return None
        now = self._clock()
        account, account_version = await self._read(_account(login.email), _Account)
        if account is None or account_version != login.version or _is_over(login, now):
            await self._store.remove(name)
            return None
        if renews and now - login.seen >= NOTE_EVERY:
            await self._note(name, msgspec.structs.replace(login, seen=now), version)
        return Owner(account.email, account.sites, login.csrf)

    async def _note(self, name: str, login: _Login, version: int) -> None:
        try:
            await self._store.put(name, msgspec.json.encode(login), version)
        except VersionConflict:
            # Another call of the same browser has just noted it, or has signed out.
            return

    async def bearer(self, token: str) -> Owner | None:
        """The owner of an API token."""
        found, _ = await self._read(_name("tokens", token), _Token)
        if found is None:
            return None
        account, _ = await self._read(_account(found.email), _Account)
        return None if account is None else Owner(account.email, account.sites)

    async def logout(self, secret: str) -> None:
        await self._store.remove(_name("logins", secret))

    async def forget_old(self) -> None:
        """Remove the sign-ins that are over."""
        now = self._clock()
        for name in await self._store.names("logins/"):
            login, _ = await self._read(name, _Login)
            if login is not None and _is_over(login, now):
                await self._store.remove(name)

    async def _read(self, name: str, kind: type[T]) -> "tuple[T | None, int]":
        found = await self._store.get(name)
        if found is None:
            return None, 0
        return msgspec.json.decode(found.value, type=kind), found.version

    async def _hash(self, password: str) -> str:
        return await self._off_loop(self._hasher.hash, password)

    async def _verified(self, hashed: str | None, password: str) -> bool:
        if len(password) > LONGEST_PASSWORD:
            return False
        if self._decoy is None:
            self._decoy = await self._hash(secrets.token_urlsafe(16))
        try:
            await self._off_loop(self._hasher.verify, hashed or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    async def _off_loop(self, work: Callable[..., T], *arguments: Any) -> T:
        # Each takes tens of megabytes and a core: a crowd at the door waits here, and the chat goes on.
        async with self._hashing:
            return await asyncio.to_thread(work, *arguments)


def new_password() -> str:
    return secrets.token_urlsafe(15)


def checked_email(email: str) -> str:
    """In lower case. Raises `ValueError`."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise ValueError(f"{email[:100]!r} is not an email address")
    return email


def checked_password(password: str) -> str:
    """Raises `ValueError`."""
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"a password has {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password


def _is_over(login: _Login, now: float) -> bool:
    return now - login.seen >= IDLE or now - login.started >= LONGEST


def _account(email: str) -> str:
    return _name("accounts", email)


def _name(folder: str, secret: str) -> str:
    return f"{folder}/{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()}"
