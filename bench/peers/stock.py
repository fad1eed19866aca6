"""`python -m bench.peers.stock PORT`: python-socketio on its own Tornado driver. It acknowledges and stores nothing."""

import asyncio
import sys
from typing import Any

import socketio
import tornado.web
import uvloop

server = socketio.AsyncServer(async_mode="tornado", cors_allowed_origins="*")


@server.on("send_message")  # type: ignore[untyped-decorator]
async def send_message(_sid: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "messageId": payload["clientMessageId"], "seq": 1}


async def serve(port: int) -> None:
    handler = socketio.get_tornado_handler(server)
    tornado.web.Application([(r"/socket.io/", handler)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
