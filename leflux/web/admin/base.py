"""What every call of the owner's API shares: who is calling, may they see this site, and was it meant."""

import hmac
import json
import time
from typing import TypeVar

from leflux import wire
from leflux.owners import Owner
from leflux.problems import Problem
from leflux.sites import Site
from leflux.web.admin.desk import Desk
from leflux.web.base import JsonHandler

T = TypeVar("T")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
MAX_MS = 2**53 - 1


class AdminHandler(JsonHandler):
    """A call by a signed-in owner. `self.owner` is set before the body is read; without one it is 401."""

    needs_owner = True
    owner: Owner

    def initialize(self, body_cap: int, desk: Desk) -> None:  # type: ignore[override]
        super().initialize(body_cap, desk.gate)
        self.desk = desk

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
        if not self.needs_owner:
            return
        owner = await self._identify()
        if owner is None:
            raise Problem("unauthorized", "Sign in, or send an API token.")
        given = self.request.headers.get("X-CSRF-Token", "")
        if not is_safe and owner.csrf is not None and not hmac.compare_digest(given.encode(), owner.csrf.encode()):
            raise Problem("forbidden", "The X-CSRF-Token is missing or is not the one of this sign-in.")
        self.owner = owner

    async def _identify(self) -> Owner | None:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return await self.desk.owners.bearer(token.strip()) if scheme.lower() == "bearer" else None
        secret = self.secret()
        return None if secret is None else await self.desk.owners.signed_in(secret)

    def is_secure(self) -> bool:
        return self.desk.owner_gate.is_secure(self.request)

    def cookie_name(self) -> str:
        return self.desk.owner_gate.cookie_name(self.request)

    def secret(self) -> str | None:
        """The browser's sign-in, as its cookie says."""
        return self.desk.owner_gate.secret(self.request)

    def site(self, site_id: str) -> Site:
        """The site, if the owner may see it; raises `not_found`, also when it exists."""
        site = self.desk.sites.get(site_id)
        if site is None or not self.owner.may_see(site_id):
            raise Problem("not_found", "There is no such site.")
        return site

    def number(self, name: str, default: int | None, low: int = 0, high: int = MAX_MS) -> int | None:
        """A whole number of the query. Raises `invalid_request`."""
        text = self.get_query_argument(name, "")
        if text == "":
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 17 and low <= int(text) <= high):
            raise Problem("invalid_request", f"{name} is a whole number from {low} to {high}.", path=f"$.{name}")
        return int(text)

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
        """Like `json_body`, but a number that is none (NaN, 1e309) is refused by the name of its field."""
        body = self.checked_body()
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return wire.decode(body, kind)
        return wire.convert(tree, kind)


def now_ms() -> int:
    return round(time.time() * 1000)
