"""The cookie of a browser that has signed in before, which the sign-in throttle spares."""

import hmac
import secrets
import time
from collections.abc import Callable

from leflux.common.server_key import ServerKey

PURPOSE = "devices"
LIFETIME = 365 * 86400


class Devices:
    """`clock` gives seconds since the epoch. A cookie is `<device>.<expires>.<signature>` and holds for one account."""

    def __init__(self, key: ServerKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    async def cookie(self, email: str, device: str | None) -> str:
        """A fresh cookie; a known device keeps its name."""
        head = f"{device or secrets.token_urlsafe(16)}.{round(self._clock()) + LIFETIME}"
        return f"{head}.{await self._signature(email, head)}"

    async def known(self, email: str, cookie: str | None) -> str | None:
        """The device's name when the cookie was made for this account and has not expired."""
        head, _, signature = (cookie or "").rpartition(".")
        device, _, expires = head.rpartition(".")
        if not device or not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return None
        if not hmac.compare_digest(
            signature.encode("utf-8", "surrogatepass"), (await self._signature(email, head)).encode()
        ):
            return None
        return device if self._clock() < int(expires) else None

    async def _signature(self, email: str, head: str) -> str:
        key = await self._key.derived(PURPOSE)
        return hmac.new(key, f"{email}\n{head}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()
