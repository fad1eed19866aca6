"""A gRPC proxy in front of the Firestore emulator, which drops, delays or replaces responses as a test asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from tests.services import free_port

_SERVICE = "/google.firestore.v1.Firestore/"
COMMIT = "Commit"
READ = "BatchGetDocuments"

Fault = Callable[[str], grpc.StatusCode | None]


class Proxy:
    """Forwards bytes. For each call a fault gets the call's name and returns the status to answer with, or None.

    `refuse` is asked before the call is passed on, `lose` after it was answered; a read waits while `reading` is clear.
    `calls` and `received` (bytes of the answers) count what passed.
    """

    def __init__(self, address: str, upstream: Any) -> None:
        self.address = address
        self.refuse: Fault = _never
        self.lose: Fault = _never
        self.reading = asyncio.Event()
        self.reading.set()
        self.calls: list[str] = []
        self.received = 0
        self._upstream = upstream

    def service(self, details: Any) -> Any:
        """What grpc asks for the handler of a method."""
        name = details.method.removeprefix(_SERVICE)
        method = self._upstream.unary_stream(details.method)

        async def handle(request: bytes, context: Any) -> AsyncIterator[bytes]:
            if name == READ:
                await self.reading.wait()
            await _answer(context, self.refuse(name))
            try:
                answers = [answer async for answer in method(request, metadata=_metadata(context))]
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")
            await _answer(context, self.lose(name))
            self.calls.append(name)
            for answer in answers:
                self.received += len(answer)
                yield answer

        return grpc.unary_stream_rpc_method_handler(handle)


def _never(name: str) -> None:
    return None


def on(name: str, status: grpc.StatusCode, times: int | None = None) -> Fault:
    """A fault for each call of this name, or for so many of them."""
    left = times

    def fault(called: str) -> grpc.StatusCode | None:
        nonlocal left
        if called != name or left == 0:
            return None
        if left is not None:
            left -= 1
        return status

    return fault


async def _answer(context: Any, status: grpc.StatusCode | None) -> None:
    if status is not None:
        await context.abort(status, "a fault of the test")


def _metadata(context: Any) -> list[tuple[str, str]]:
    wanted = ("authorization", "google-cloud-resource-prefix", "x-goog-request-params")
    return [(key, value) for key, value in context.invocation_metadata() if key in wanted]


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: Any) -> Any:
        return self._proxy.service(handler_call_details)


@asynccontextmanager
async def proxied(emulator_address: str) -> AsyncIterator[Proxy]:
    """A proxy on a free port."""
    async with grpc.aio.insecure_channel(emulator_address) as upstream:
        proxy = Proxy(f"127.0.0.1:{free_port()}", upstream)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Handlers(proxy),))
        server.add_insecure_port(proxy.address)
        await server.start()
        try:
            yield proxy
        finally:
            await server.stop(grace=None)
