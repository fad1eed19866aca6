"""The base of every call of the owner's API: authentication, access to the site, and protection against CSRF."""

import hmac
import json
import time
from typing import TypeVar

from leflux import protocol
from leflux.chat.conversation_ids import ConversationIds
from leflux.owner.accounts import Account
from leflux.protocol import Problem
from leflux.sites.registry import Site
from leflux.web.admin.dependencies import AdminDependencies
from leflux.web.base import JsonHandler

T = TypeVar("T")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
MAX_MS = 2**53 - 1


class AdminHandler(JsonHandler):
    """A call by a signed-in owner. `self.account` is set before the body is read; without one it is 401.

    `needs_whole_account`: a token with a scope of its own is refused.
    """

    needs_account = True
    needs_whole_account = False
    account: Account

    def initialize(self, body_cap: int, dependencies: AdminDependencies) -> None:  # type: ignore[override]
        super().initialize(body_cap, dependencies.gate)
        self.dependencies = dependencies

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    async def prepare(self) -> None:
        super().prepare()
        if self.is_refused:
            return
        try:
            await self._admit()
        except Exception as problem:
            self.refuse(problem)

    async def _admit(self) -> None:
        is_safe = self.request.method in SAFE_METHODS
        if not is_safe and self.request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise Problem("forbidden", "This call comes from a page of another site.")
        if not self.needs_account:
            return
        account = await self._identify()
        if account is None:
            raise Problem("unauthorized", "Sign in, or send an API token.")
        given = self.request.headers.get("X-CSRF-Token", "")
        if not is_safe and account.csrf is not None and not hmac.compare_digest(given.encode(), account.csrf.encode()):
            raise Problem("forbidden", "The X-CSRF-Token is missing or is not the one of this sign-in.")
        if self.needs_whole_account and account.is_scoped:
            raise Problem("forbidden", "This token is limited to some sites. Sign in, or use a token without limits.")
        self.account = account

    async def _identify(self) -> Account | None:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return await self.dependencies.accounts.bearer(token.strip()) if scheme.lower() == "bearer" else None
        secret = self.secret()
        return None if secret is None else await self.dependencies.accounts.signed_in(secret)

    def is_secure(self) -> bool:
        return self.dependencies.access.is_secure(self.request)

    def cookie_name(self) -> str:
        return self.dependencies.access.cookie_name(self.request)

    def secret(self) -> str | None:
        """The secret of the browser's sign-in, from its cookie."""
        return self.dependencies.access.secret(self.request)

    async def conversation_ids(self) -> ConversationIds:
        return await self.dependencies.conversation_ids.get()

    def site(self, site_id: str) -> Site:
        """The site, if the owner may see it; raises `not_found`, also when it exists."""
        site = self.dependencies.sites.get(site_id)
        if site is None or not self.account.may_see(site_id):
            raise Problem("not_found", "There is no such site.")
        return site

    def number(self, name: str, default: int | None, low: int = 0, high: int = MAX_MS) -> int | None:
        """A whole number of the query. Raises `invalid_request`."""
        text = self.get_query_argument(name, "")
        return default if text == "" else protocol.whole_number(text, name, low, high)

    def count(self, name: str, default: int, high: int) -> int:
        """A whole number from 1 to `high`. Raises `invalid_request`."""
        found = self.number(name, default, 1, high)
        assert found is not None
        return found

    def span(self) -> tuple[int | None, int | None]:
        """`from` (included) and `to` (not included) of the query, in ms. Raises `invalid_request`."""
        return self.number("from", None), self.number("to", None)

    def choice(self, name: str, *allowed: str, default: str = "") -> str:
        """One of `allowed`, or `default` when absent. Raises `invalid_request`."""
        text = self.get_query_argument(name, default)
        if text not in {*allowed, default}:
            raise Problem("invalid_request", f"{name} is one of {', '.join(allowed)}.", path=f"$.{name}")
        return text

    def numbers_body(self, kind: type[T]) -> T:
        """Like `json_body`; a number that JSON does not have (NaN, 1e309) is refused by the name of its field."""
        body = self.checked_body()
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return protocol.decode(body, kind)
        return protocol.convert(tree, kind)


def now_ms() -> int:
    return round(time.time() * 1000)
