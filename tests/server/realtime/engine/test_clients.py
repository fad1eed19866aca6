"""The official clients connect, are acknowledged and come back, on every transport."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
import socketio

from tests.server.conftest import until
from tests.server.realtime.engine.conftest import ORIGIN, Rig
from tests.services import absent

WIDGET = Path(__file__).parents[4] / "leflux" / "widget"
TRANSPORTS = ["websocket", "polling", "polling,websocket"]


def node() -> str:
    found = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if found is None or not (WIDGET / "node_modules" / "socket.io-client").exists():
        absent("node with the widget's packages")
    return str(found)


def add_drop(rig: Rig) -> None:
    """An event `drop` by which a client makes the server hang up on it."""

    async def drop(sid: str) -> None:
        await rig.engine.disconnect(rig.server.manager.eio_sid_from_sid(sid, "/"))

    rig.server.on("drop", drop)


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_the_javascript_client(rig: Rig, transports: str) -> None:
    add_drop(rig)
    script = (Path(__file__).parent / "client.js").read_text()
    process = await asyncio.create_subprocess_exec(
        *(node(), "-e", script, rig.base, ORIGIN, transports),
        cwd=WIDGET,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    name = transports.split(",")[-1]
    first, lost, *rest = output.decode().splitlines()
    assert first == f"echoed 1 {name}"
    # A client that does not poll at the moment misses the goodbye, and is refused instead.
    assert lost in ("disconnect transport close", "disconnect transport error")
    assert rest == [f"echoed 2 {name}", "disconnect io client disconnect", "done"]
    await rig.wait_for_baseline()
    assert len(rig.seen) == 80
    assert len(rig.left) == 2


async def echo(client: socketio.AsyncClient) -> None:
    for number in range(20):
        value = {"number": number, "text": "ü€"}
        assert await client.call("echo", value, timeout=10) == value


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_the_python_client(rig: Rig, transports: str) -> None:
    add_drop(rig)
    client = socketio.AsyncClient(reconnection_delay=0.01, reconnection_delay_max=0.01)
    connected: list[str] = []
    client.on("connect", lambda: connected.append(client.transport()))

    async def connect() -> None:
        await client.connect(rig.base, headers={"Origin": ORIGIN}, transports=transports.split(","))

    await connect()
    try:
        await echo(client)
        await client.emit("drop")
        if transports == "polling":
            # This client takes a goodbye by polling as final.
            await until(lambda: client.eio.state == "disconnected", "the goodbye has arrived")
            await connect()
        await until(lambda: len(connected) == 2, "the client is back")
        await echo(client)
        assert connected[1] == transports.split(",")[-1]
    finally:
        await client.disconnect()
    await rig.wait_for_baseline()
    assert len(rig.seen) == 40
    assert len(rig.left) == 2
