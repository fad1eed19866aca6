"""A real HTTP server with OpenAI's chat protocol, which sends the responses that a test has set."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ModelServer:
    """Gives the scripted answers one after the other, and keeps every request body."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self.released = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        return await self.answers.pop(0)(request)

    def told(self, number: int = -1) -> str:
        """All text that the model got in one request."""
        return "\n".join(str(message["content"]) for message in self.requests[number]["messages"])


def chunk(finish: str | None = None, **delta: Any) -> str:
    body = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(body)}\n\n"


DONE = "data: [DONE]\n\n"


def streamed(*parts: str, hang: asyncio.Event | None = None, cut: bool = False) -> Answer:
    """An event stream; with `hang` it stalls after the parts until released, with `cut` the connection is dropped."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part.encode())
        if hang is not None:
            await hang.wait()
        if cut and request.transport is not None:
            request.transport.abort()
        return response

    return answer


def fed(words: "asyncio.Queue[str | None]") -> Answer:
    """An event stream that says each word when the test puts it into the queue; None ends it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while (word := await words.get()) is not None:
            await response.write(chunk(content=word).encode())
        await response.write((chunk("stop") + DONE).encode())
        return response

    return answer


def text(*words: str) -> Answer:
    return streamed(*(chunk(content=word) for word in words), chunk("stop"), DONE)


def call(name: str, arguments: Any, say: str | None = None) -> Answer:
    """A tool call whose arguments arrive in pieces."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    first = {"index": 0, "id": "t", "type": "function", "function": {"name": name, "arguments": raw[:7]}}
    rest = {"index": 0, "function": {"arguments": raw[7:]}}
    before = [] if say is None else [chunk(content=say)]
    return streamed(*before, chunk(tool_calls=[first]), chunk(tool_calls=[rest]), chunk("tool_calls"), DONE)


def status(code: int, body: str = '{"error": {"message": "no"}}') -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, content_type="application/json")

    return answer


def hang_up() -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return answer


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    server = ModelServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    try:
        yield server
    finally:
        server.released.set()
        await runner.cleanup()
