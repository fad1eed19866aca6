"""What opens an account without its password: sign-ins of browsers, and API tokens."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from leflux.owner.hashed_documents import HashedDocument, HashedDocuments

IDLE, LONGEST = 8 * 3600.0, 7 * 86400.0
# The last use is stored at most once in so many seconds, which spares a write on every call.
NOTE_EVERY = 60.0
AGENT_CHARS, NAME_CHARS = 200, 100


class SignIn(Struct, frozen=True, rename="camel"):
    """A browser's sign-in. It ends with any change of its account (`version`). Times in seconds since the epoch."""

    email: str
    version: int
    csrf: str
    started: float
    seen: float
    address: str = ""
    agent: str = ""


class Token(Struct, frozen=True, rename="camel"):
    """An API token. `sites`: its own, narrower scope; None: all that its account may see."""

    email: str
    created: float
    name: str = ""
    sites: tuple[str, ...] | None = None
    expires: float | None = None
    seen: float | None = None


class SignIns:
    """`clock` gives seconds since the epoch."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._documents = HashedDocuments(store, "logins", SignIn)
        self._clock = clock

    async def start(self, email: str, version: int, address: str, agent: str) -> tuple[str, SignIn]:
        """A fresh sign-in and its secret."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        shown = "".join(letter for letter in agent if letter.isprintable())[:AGENT_CHARS]
        sign_in = SignIn(email, version, secrets.token_urlsafe(24), now, now, address, shown)
        await self._documents.put(secret, sign_in, 0)
        return secret, sign_in

    def id(self, secret: str) -> str:
        return self._documents.id(secret)

    async def get(self, secret: str) -> HashedDocument[SignIn] | None:
        """The sign-in, unless it has ended by time."""
        entry = await self._documents.get(secret)
        if entry is not None and self._is_over(entry.document):
            await self._documents.remove(entry)
            return None
        return entry

    async def use(self, entry: HashedDocument[SignIn]) -> None:
        """Renew the idle time."""
        now = self._clock()
        if now - entry.document.seen >= NOTE_EVERY:
            await self._documents.note(entry, msgspec.structs.replace(entry.document, seen=now))

    async def of(self, email: str) -> list[HashedDocument[SignIn]]:
        """Those of an account that have not ended by time, newest first."""
        entries = [entry for entry in await self._documents.all() if entry.document.email == email]
        running = [entry for entry in entries if not self._is_over(entry.document)]
        return sorted(running, key=lambda entry: -entry.document.started)

    async def end(self, entry: HashedDocument[SignIn]) -> None:
        await self._documents.remove(entry)

    async def end_secret(self, secret: str) -> None:
        await self._documents.remove_secret(secret)

    async def end_all(self, email: str) -> int:
        return await _remove_all(self._documents, await self.of(email))

    async def forget_old(self) -> None:
        """Remove the sign-ins that have ended by time."""
        for entry in await self._documents.all():
            if self._is_over(entry.document):
                await self._documents.remove(entry)

    def _is_over(self, sign_in: SignIn) -> bool:
        now = self._clock()
        return now - sign_in.seen >= IDLE or now - sign_in.started >= LONGEST


class Tokens:
    """`clock` gives seconds since the epoch."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float]) -> None:
        self._documents = HashedDocuments(store, "tokens", Token)
        self._clock = clock

    async def add(self, email: str, name: str, sites: Sequence[str] | None, lifetime: float | None) -> str:
        """A new token; the secret is returned this once. `lifetime` in seconds; None: it does not expire."""
        secret, now = f"lfx_{secrets.token_urlsafe(32)}", self._clock()
        scope = None if sites is None else tuple(sites)
        expires = None if lifetime is None else now + lifetime
        await self._documents.put(secret, Token(email, now, checked_name(name), scope, expires), 0)
        return secret

    async def get(self, secret: str) -> HashedDocument[Token] | None:
        """The token, unless it has expired."""
        entry = await self._documents.get(secret)
        if entry is None or self.is_expired(entry.document):
            return None
        return entry

    async def use(self, entry: HashedDocument[Token]) -> None:
        now, seen = self._clock(), entry.document.seen
        if seen is None or now - seen >= NOTE_EVERY:
            await self._documents.note(entry, msgspec.structs.replace(entry.document, seen=now))

    async def of(self, email: str) -> list[HashedDocument[Token]]:
        """Those of an account, the expired ones too, newest first."""
        entries = [entry for entry in await self._documents.all() if entry.document.email == email]
        return sorted(entries, key=lambda entry: -entry.document.created)

    async def revoke(self, entry: HashedDocument[Token]) -> None:
        await self._documents.remove(entry)

    async def revoke_all(self, email: str) -> int:
        return await _remove_all(self._documents, await self.of(email))

    def is_expired(self, token: Token) -> bool:
        return token.expires is not None and self._clock() >= token.expires


async def _remove_all(documents: HashedDocuments[Any], entries: Iterable[HashedDocument[Any]]) -> int:
    removed = [documents.remove(entry) for entry in entries]
    await asyncio.gather(*removed)
    return len(removed)


def checked_name(name: str) -> str:
    """The name of a token. Raises `ValueError`."""
    name = name.strip()
    if len(name) > NAME_CHARS or not name.isprintable():
        raise ValueError(f"a token's name has at most {NAME_CHARS} printable characters")
    return name
