"""Posts one notice to one endpoint: no redirects, a deadline, and only to an address that may be called."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpcore
import msgspec
from msgspec import Struct

from leflux import __version__
from leflux.config import WebhookSettings
from leflux.crawling.errors import BlockedUrl
from leflux.crawling.network import PinnedBackend
from leflux.notices.outbox import Notice, NoticeName
from leflux.notices.signing import WebhookSecrets
from leflux.owner.notice_rules import Endpoint
from leflux.protocol import Problem

GONE = 410
CONNECTIONS = 4
"""For each endpoint, so that one that hangs takes none from another."""
ANSWER_BYTES = 65_536
RESOLVE_SECONDS = 5.0
USER_AGENT = f"LeFlux/{__version__} (webhooks)"


class Failure(Struct, frozen=True):
    """Why an attempt did not deliver. `is_gone`: the endpoint wants no more of them."""

    reason: str
    is_gone: bool = False


class WebhookClient:
    """The HTTP client of all endpoints."""

    def __init__(self, settings: WebhookSettings, secrets: WebhookSecrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._backend = PinnedBackend(settings.private_hosts)
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    async def check(self, url: str, path: str) -> None:
        """Raises `invalid_request` for a URL that is none, and `blocked_url` for one that may not be called."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if host is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or not url.isascii():
            raise Problem("invalid_request", "A webhook's URL is such as https://example.com/hooks.", path=path)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                await self._backend.resolve(host, port or (443 if parts.scheme == "https" else 80))
        except BlockedUrl as error:
            raise Problem("blocked_url", str(error), path=path) from None
        except (httpcore.ConnectError, TimeoutError):
            raise Problem("invalid_request", f"The host {host} cannot be found.", path=path) from None
        if parts.scheme == "http" and not self._is_private(host, port):
            raise Problem("invalid_request", "A webhook's URL begins with https://.", path=path)

    def _is_private(self, host: str, port: int | None) -> bool:
        return self._backend.is_listed(host, port or 80)

    async def post(self, endpoint: Endpoint, name: NoticeName, notice: Notice) -> Failure | None:
        """One attempt; None when it was delivered."""
        body = payload(name, notice)
        signed = await self._secrets.headers(endpoint, name.webhook_id, int(time.time()), body)
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._post(endpoint, body, signed)
        except TimeoutError:
            return Failure(f"took longer than {self._settings.timeout:g} s")
        except BlockedUrl as error:
            return Failure(str(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            return Failure((str(error) or type(error).__name__)[:200])

    async def _post(self, endpoint: Endpoint, body: bytes, signed: dict[str, str]) -> Failure | None:
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", **signed}
        pool = self._pool(endpoint.id)
        async with pool.stream("POST", endpoint.url, headers=_encoded(headers), content=body) as response:
            received = 0
            # A connection whose answer was read can be used again.
            async for chunk in response.aiter_stream():
                received += len(chunk)
                if received > ANSWER_BYTES:
                    break
            status = response.status
        if 200 <= status < 300:
            return None
        if status == GONE:
            return Failure("answered 410: it wants no more of them", is_gone=True)
        if 300 <= status < 400:
            return Failure(f"answered {status}: a redirect is not followed")
        return Failure(f"answered {status}")

    def _pool(self, endpoint_id: str) -> httpcore.AsyncConnectionPool:
        if endpoint_id not in self._pools:
            self._pools[endpoint_id] = httpcore.AsyncConnectionPool(
                network_backend=self._backend, max_connections=CONNECTIONS, keepalive_expiry=30.0
            )
        return self._pools[endpoint_id]

    async def close(self) -> None:
        pools = list(self._pools.values())
        self._pools.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))

    async def keep_only(self, endpoint_ids: Sequence[str]) -> None:
        """Close the connections to endpoints that are not used any more."""
        for endpoint_id in self._pools.keys() - set(endpoint_ids):
            await self._pools.pop(endpoint_id).aclose()


def payload(name: NoticeName, notice: Notice) -> bytes:
    """The body: `{type, timestamp, data: {siteId, conversationId, ...}}`. It never holds a session id."""
    data = {"siteId": name.site_id, "conversationId": name.conversation_id, **notice.data}
    happened = datetime.fromtimestamp(notice.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": name.event, "timestamp": happened, "data": data})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
