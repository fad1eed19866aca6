"""Fetches one page within limits of hops, seconds, and bytes before and after decompression."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import httpcore
from msgspec import Struct

from leflux import __version__
from leflux.crawling.network import PinnedBackend
from leflux.crawling.urls import Scope

PAGE_BYTES = 2_000_000
PAGE_SECONDS = 10.0
MAX_REDIRECTS = 5
HTML = ("text/html",)
USER_AGENT = f"LeFlux/{__version__} (site crawler)"
REDIRECTS = {301, 302, 303, 307, 308}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class FetchFailed(Exception):
    """The page could not be read. `status` is the HTTP status, or 0 without an answer."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Fetched(Struct, frozen=True):
    """`url` is the end of the redirects; `body` is None for an unchanged page (304)."""

    url: str
    body: bytes | None
    headers: Mapping[str, str]


class Fetcher:
    """The HTTP client of one crawl. Leaving `opened` closes it."""

    def __init__(self, scope: Scope, pool: httpcore.AsyncConnectionPool) -> None:
        self._scope = scope
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def opened(cls, scope: Scope, private_hosts: Iterable[str], connections: int) -> "AsyncIterator[Fetcher]":
        backend = PinnedBackend(private_hosts)
        async with httpcore.AsyncConnectionPool(network_backend=backend, max_connections=connections) as pool:
            yield cls(scope, pool)

    async def get(
        self,
        url: str,
        accept: tuple[str, ...] = HTML,
        headers: Mapping[str, str] | None = None,
        limit: int = PAGE_BYTES,
    ) -> Fetched:
        """Fetch a page. Raises `FetchFailed`, and `BlockedUrl` for a blocked URL or redirect.

        `accept` lists media types; an empty list accepts any.
        """
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                return await self._follow(url, accept, headers or {}, limit)
        except TimeoutError:
            raise FetchFailed(f"took longer than {PAGE_SECONDS:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise FetchFailed(str(error) or type(error).__name__) from None

    async def _follow(self, url: str, accept: tuple[str, ...], headers: Mapping[str, str], limit: int) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            self._scope.refuse_foreign(url)
            async with self._pool.stream("GET", url, headers=_request_headers(headers)) as response:
                fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                if response.status not in REDIRECTS:
                    return await _answer(url, response, fields, accept, limit)
            if "location" not in fields:
                raise FetchFailed("redirects to nowhere", response.status)
            url = self._scope.normal(fields["location"], url)
        raise FetchFailed(f"redirects more than {MAX_REDIRECTS} times", response.status)


def _request_headers(more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    fields = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", "Accept": "text/html,*/*;q=0.1", **more}
    return [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in fields.items()]


async def _answer(
    url: str, response: httpcore.Response, fields: Mapping[str, str], accept: tuple[str, ...], limit: int
) -> Fetched:
    if response.status == 304:
        return Fetched(url, None, fields)
    if response.status != 200:
        raise FetchFailed(f"answered {response.status}", response.status)
    media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
    if accept and media_type not in accept:
        raise FetchFailed(f"is {media_type or 'of no declared type'}, not a page", 200)
    return Fetched(url, await _body(response, fields, limit), fields)


async def _body(response: httpcore.Response, fields: Mapping[str, str], limit: int) -> bytes:
    too_large = FetchFailed(f"is larger than {limit} bytes", 200)
    if fields.get("content-length", "0").isdigit() and int(fields.get("content-length", "0")) > limit:
        raise too_large
    decoder = _Decoder(fields.get("content-encoding", "").strip().lower(), limit + 1)
    received = 0
    async for chunk in response.aiter_stream():
        received += len(chunk)
        if received > limit or not decoder.feed(chunk):
            raise too_large
    return bytes(decoder.text)


class _Decoder:
    """Decompresses at most `limit` bytes."""

    def __init__(self, encoding: str, limit: int) -> None:
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchFailed(f"is encoded as {encoding[:40]!r}, which was not asked for", 200)
        self._zip = None if encoding in ("", "identity") else zlib.decompressobj(_GZIP_OR_ZLIB)
        self._limit = limit
        self.text = bytearray()

    def feed(self, chunk: bytes) -> bool:
        """Add data; False once the text has reached the limit."""
        if self._zip is None:
            self.text += chunk
        else:
            try:
                self.text += self._zip.decompress(chunk, self._limit - len(self.text))
            except zlib.error as error:
                raise FetchFailed(f"is not what its encoding says: {error}", 200) from None
        return len(self.text) < self._limit
