"""What the engine knows about its libraries beyond their documentation (docs/decisions/engine.md).

When a test here fails after an update: read what changed, adapt `leflux/realtime/engine/`, then renew the value.
"""

import hashlib
import inspect
from importlib.metadata import version
from typing import Any

import pytest
import socketio
import tornado.web
from socketio.base_manager import BaseManager
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

VERSIONS = {"python-socketio": "5.18.1", "python-engineio": "4.15.1", "websockets": "17.4", "tornado": "6.6.1"}

# Overridden, called, or relied upon: the first digits of the SHA-256 of the source.
SOURCES: list[tuple[Any, str]] = [
    (socketio.AsyncServer.emit, "84391bfd624104d1"),
    (socketio.AsyncServer._send_packet, "a00022b42c1c29e9"),
    (socketio.AsyncServer._handle_connect, "c97c480cf777de36"),
    (socketio.AsyncServer._handle_disconnect, "c0b32ada5b371230"),
    (socketio.AsyncServer._handle_event, "65178105ef8b593d"),
    (socketio.AsyncServer._handle_event_internal, "472e8b723a12d507"),
    (socketio.AsyncServer._trigger_event, "01ba90cfa09ba43e"),
    (socketio.AsyncServer._handle_eio_connect, "76704886d944a7e6"),
    (socketio.AsyncServer._handle_eio_message, "bef50fc0e1635921"),
    (socketio.AsyncServer._handle_eio_disconnect, "9344593148b66fd9"),
    (socketio.AsyncServer._engineio_server_class, "199c42bf149247e0"),
    (socketio.AsyncServer.shutdown, "70ac47acea94d661"),
    (socketio.base_server.BaseServer.__init__, "6b998e091b34a563"),
    (socketio.AsyncManager.emit, "01ccd5b82b4f955e"),
    (BaseManager.get_participants, "7d78ad681c95de5b"),
    (BaseManager.sid_from_eio_sid, "15467098a36bcd71"),
    (BaseManager.is_connected, "d37721466718b4f4"),
    (BaseManager.pre_connect, "bfdba4c0c8f1bd8a"),
    (BaseManager.initialize, "96479fafd17c84a1"),
    (tornado.web.RequestHandler.detach, "29259b31722f4172"),
    (Protocol.fail, "924ae7075dc75a9d"),
    (Protocol.recv_frame, "4f83d3b90ea62428"),
    (Protocol.close_expected, "ebe4efdad2295a98"),
    (ServerProtocol.accept, "f2f96c48162dbfda"),
]


def digest(function: Any) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("package", "pinned"), VERSIONS.items())
def test_the_installed_version_is_the_one_that_was_read(package: str, pinned: str) -> None:
    assert version(package) == pinned


@pytest.mark.parametrize(("function", "known"), SOURCES, ids=lambda value: getattr(value, "__qualname__", ""))
def test_what_is_not_public_is_as_it_was_read(function: Any, known: str) -> None:
    assert digest(function) == known, f"{function.__qualname__} has changed"


def test_the_client_manager_maps_both_ways() -> None:
    manager = socketio.AsyncServer(async_mode="tornado").manager
    manager.basic_enter_room("sid", "/", None, "engine-sid")
    assert manager.sid_from_eio_sid("engine-sid", "/") == "sid"
    assert manager.eio_sid_from_sid("sid", "/") == "engine-sid"
