"""A small web site for tests, which may also send invalid HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


class HostileSite:
    """`pages` maps a path (with its query) to a body, or to a coroutine that writes the response."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Respond] = {}
        self.fallback: Callable[[str], bytes | None] = lambda path: None
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str, body: str, title: str = "A page", head: str = "") -> None:
        """An HTML page with enough text around `body` to be one."""
        self.pages[path] = html(body, title, head)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = request.split(" ")[1]
            self.asked.append(path)
            self.headers.append(request)
            found = self.pages.get(path) or self.fallback(path)
            if found is None:
                writer.write(response(b"gone", status="404 Not Found"))
            elif isinstance(found, bytes):
                writer.write(found)
            else:
                await found(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def html(body: str, title: str = "A page", head: str = "", headers: str = "") -> bytes:
    top = f'<!doctype html><html lang="en"><head><title>{title}</title>{head}</head>'
    text = f"{top}<body><main>{body}</main></body></html>"
    return response(text.encode(), headers=headers)


def response(
    body: bytes, media_type: str = "text/html; charset=utf-8", status: str = "200 OK", headers: str = ""
) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def redirect(to: str) -> bytes:
    return response(b"", status="302 Found", headers=f"Location: {to}\r\n")


def zipped(body: bytes) -> bytes:
    return response(gzip.compress(body), headers="Content-Encoding: gzip\r\n")


@asynccontextmanager
async def hostile_site() -> AsyncIterator[HostileSite]:
    site = HostileSite()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await site.answer(reader, writer)
        finally:
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
