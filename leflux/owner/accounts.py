"""Who may see which site: accounts, and what signs in to them, as documents of the settings store.

Passwords are kept as argon2id; of tokens and sign-ins only a hash is stored, so that the store opens no account.
"""

import re
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.owner.credentials import SignIns, Tokens
from leflux.owner.hashed_documents import HashedDocument, HashedDocuments
from leflux.owner.passwords import Passwords, checked_password, new_password
from leflux.protocol import Problem

EVERY_SITE = "*"
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")


class Account(Struct, frozen=True):
    """Somebody who has signed in. `csrf` is None for an API token, which no browser sends by itself.

    `credential` is the id of the sign-in or token. `is_scoped`: a token that may do less than its account.
    """

    email: str
    sites: tuple[str, ...]
    csrf: str | None = None
    credential: str = ""
    is_scoped: bool = False

    def may_see(self, site_id: str) -> bool:
        return EVERY_SITE in self.sites or site_id in self.sites


class StoredAccount(Struct, frozen=True, rename="camel"):
    """`password` is an argon2id hash; None: signs in with tokens only."""

    email: str
    sites: tuple[str, ...]
    password: str | None = None


class Accounts:
    """`clock` gives seconds since the epoch."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float] = time.time) -> None:
        self._documents = HashedDocuments(store, "accounts", StoredAccount)
        self._passwords = Passwords()
        self.sign_ins = SignIns(store, clock)
        self.tokens = Tokens(store, clock)

    async def first_admin(self, email: str) -> str | None:
        """Make an account that sees every site when there is no account at all; returns its password, once.

        Of processes that start together, one makes it; the others get None.
        """
        if await self._documents.any():
            return None
        password = new_password()
        account = StoredAccount(checked_email(email), (EVERY_SITE,), await self._passwords.hash(password))
        try:
            await self._documents.put(account.email, account, 0)
        except VersionConflict:
            return None
        return password

    async def set_account(self, email: str, sites: Sequence[str] | None, password: str | None) -> None:
        """Make an account, or change it, which ends its sign-ins.

        None: it keeps the sites, or the password, that it has. A new account sees every site unless told otherwise.
        """
        email = checked_email(email)
        hashed = None if password is None else await self._passwords.hash(checked_password(password))
        before = await self._documents.get(email)
        if before is not None:
            hashed = hashed or before.document.password
            sites = before.document.sites if sites is None else sites
        account = StoredAccount(email, (EVERY_SITE,) if sites is None else tuple(sites), hashed)
        await self._documents.put(email, account, 0 if before is None else before.version)
        await self.sign_ins.end_all(email)

    async def change_password(self, email: str, current: str, password: str) -> None:
        """Set a new password, which ends the account's sign-ins. Raises `unauthorized` for a wrong `current`."""
        try:
            checked_password(password)
        except ValueError as error:
            raise Problem("invalid_request", f"The new password: {error}.", path="$.newPassword") from None
        await self._verified(email, current)
        await self.set_account(email, None, password)

    async def remove(self, email: str) -> bool:
        """Remove an account with its tokens and sign-ins; False when there is none."""
        entry = await self._documents.get(email)
        if entry is None:
            return False
        # The tokens go first: an account of the same name that is made later must not find them.
        await self.tokens.revoke_all(email)
        await self._documents.remove(entry)
        await self.sign_ins.end_all(email)
        return True

    async def get(self, email: str) -> StoredAccount | None:
        entry = await self._documents.get(email.strip().lower())
        return None if entry is None else entry.document

    async def all(self) -> list[HashedDocument[StoredAccount]]:
        return sorted(await self._documents.all(), key=lambda entry: entry.document.email)

    async def add_token(
        self, email: str, name: str = "", sites: Sequence[str] | None = None, lifetime: float | None = None
    ) -> str:
        """A new API token for an account. Raises `ValueError` when its scope is not within the account's."""
        account = await self.get(checked_email(email))
        if account is None:
            raise ValueError(f"there is no account {email!r}")
        if sites is not None and (beyond := [site for site in sites if not _covers(account, site)]):
            raise ValueError(f"the account may not see the site {beyond[0]!r}")
        return await self.tokens.add(account.email, name, sites, lifetime)

    async def login(
        self, email: str, password: str, last: str | None = None, address: str = "", agent: str = ""
    ) -> tuple[str, Account]:
        """A fresh sign-in's secret and its account. The browser's sign-in so far, `last`, ends.

        Raises `unauthorized`.
        """
        entry = await self._verified(email.strip().lower(), password)
        if last is not None:
            await self.logout(last)
        return await self._start(entry, address, agent)

    async def renew(self, email: str, address: str, agent: str) -> tuple[str, Account]:
        """A fresh sign-in for a browser whose last one has ended by a change of the account."""
        entry = await self._documents.get(email)
        if entry is None:
            raise Problem("unauthorized", "This account was removed.")
        return await self._start(entry, address, agent)

    async def _start(self, entry: HashedDocument[StoredAccount], address: str, agent: str) -> tuple[str, Account]:
        account = entry.document
        secret, sign_in = await self.sign_ins.start(account.email, entry.version, address, agent)
        return secret, Account(account.email, account.sites, sign_in.csrf, self.sign_ins.id(secret))

    async def _verified(self, email: str, password: str) -> HashedDocument[StoredAccount]:
        """The account of an email and its password. Raises `unauthorized`."""
        entry = await self._documents.get(email)
        hashed = entry.document.password if entry is not None else None
        # An unknown address costs the same time as a known one.
        if not await self._passwords.verify(hashed, password) or entry is None:
            raise Problem("unauthorized", "This email and this password do not belong together.")
        return entry

    async def signed_in(self, secret: str) -> Account | None:
        """The account of a sign-in that has not ended; using it renews its idle time."""
        return await self._checked(secret, renews=True)

    async def holds(self, secret: str) -> Account | None:
        """The account of a sign-in that has not ended; does not renew its idle time."""
        return await self._checked(secret, renews=False)

    async def _checked(self, secret: str, renews: bool) -> Account | None:
        entry = await self.sign_ins.get(secret)
        if entry is None:
            return None
        sign_in = entry.document
        found = await self._documents.get(sign_in.email)
        if found is None or found.version != sign_in.version:
            await self.sign_ins.end(entry)
            return None
        if renews:
            await self.sign_ins.use(entry)
        return Account(sign_in.email, found.document.sites, sign_in.csrf, entry.id)

    async def bearer(self, secret: str) -> Account | None:
        """The account of an API token, as narrow as the token's own scope."""
        entry = await self.tokens.get(secret)
        account = None if entry is None else await self.get(entry.document.email)
        if entry is None or account is None:
            return None
        await self.tokens.use(entry)
        scope = entry.document.sites
        sites = account.sites if scope is None else tuple(site for site in scope if _covers(account, site))
        return Account(account.email, sites, None, entry.id, scope is not None)

    async def logout(self, secret: str) -> None:
        await self.sign_ins.end_secret(secret)

    async def forget_old(self) -> None:
        """Remove the sign-ins that have ended by time."""
        await self.sign_ins.forget_old()


def _covers(account: StoredAccount, site_id: str) -> bool:
    return EVERY_SITE in account.sites or site_id in account.sites


def checked_email(email: str) -> str:
    """In lower case. Raises `ValueError`."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise ValueError(f"{email[:100]!r} is not an email address")
    return email
