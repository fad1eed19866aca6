"""A python-socketio client with its default options: `visit.py BASE NAME`.

Joins, says something, hears the reply, loses the server and does it again. Prints a line for each answer. The version
is the one that PYTHONPATH leads to.
"""

import asyncio
import json
import sys
from typing import Any
from urllib.request import Request, urlopen

import socketio


def begin(base: str) -> str:
    """The id of a new session."""
    body = json.dumps({"websiteUrl": f"{base}/"}).encode()
    headers = {"Origin": base, "Content-Type": "application/json"}
    with urlopen(Request(f"{base}/api/session/init", body, headers)) as answer:
        session_id: str = json.load(answer)["sessionId"]
        return session_id


async def main(base: str, name: str) -> None:
    client = socketio.AsyncClient()
    session_id = begin(base)
    connections: asyncio.Queue[None] = asyncio.Queue()
    replies: asyncio.Queue[str] = asyncio.Queue()

    async def connected() -> None:
        await connections.put(None)

    async def replied(payload: dict[str, Any]) -> None:
        await replies.put(payload["message"]["text"])

    client.on("connect", connected)
    client.on("message_done", replied)
    await client.connect(base, headers={"Origin": base})
    for number in (1, 2):
        await connections.get()
        text = f"message {number} of {name}"
        joined = await client.call("join_session", {"sessionId": session_id})
        message = {"sessionId": session_id, "clientMessageId": f"{name}-{number}", "text": text}
        said = await client.call("send_message", message)
        assert (joined["ok"], said["ok"]) == (True, True), (joined, said)
        print(f"{name}: {await replies.get()}", flush=True)
    await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
