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

from leflux.realtime.engine.sio import RoomRegistry

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
    (socketio.AsyncManager.pre_connect, "84f2cdf2a4ddf07c"),
    (socketio.AsyncManager.connect, "f505d30770526112"),
    (BaseManager.__init__, "bfee992d912fe9a4"),
    (BaseManager.set_server, "6ca0a0ef7fa21dc6"),
    (BaseManager.initialize, "96479fafd17c84a1"),
    (BaseManager._generate_ack_id, "ca3840d6559ee335"),
    (BaseManager._get_logger, "32c5073c0cfffd40"),
    (BaseManager.get_namespaces, "0fa9a93d8a3d6a11"),
    (BaseManager.get_participants, "7d78ad681c95de5b"),
    (BaseManager.pre_connect, "bfdba4c0c8f1bd8a"),
    (BaseManager.connect, "a0214ac7cb24346c"),
    (BaseManager.is_pre_connected, "40a897c4ab2ccc5d"),
    (BaseManager.is_connected, "d37721466718b4f4"),
    (BaseManager.sid_from_eio_sid, "15467098a36bcd71"),
    (BaseManager.eio_sid_from_sid, "b0c0aeb5430d5248"),
    (BaseManager.pre_disconnect, "18a8d01ed87a9682"),
    (BaseManager.basic_disconnect, "2933b50bc4b2ea7b"),
    (BaseManager.is_sid_room, "e9a9393a969c85fd"),
    (BaseManager.basic_enter_room, "3f509586d2d7f47e"),
    (BaseManager.basic_leave_room, "e27f3eea06d1c6a6"),
    (BaseManager.basic_close_room, "1d81a80fe1cac5a5"),
    (BaseManager.get_rooms, "56a1017f85af9f91"),
    (tornado.web.RequestHandler.detach, "29259b31722f4172"),
]


def digest(function: Any) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("package", "pinned"), VERSIONS.items())
def test_the_installed_version_is_the_one_that_was_read(package: str, pinned: str) -> None:
    assert version(package) == pinned


@pytest.mark.parametrize(("function", "known"), SOURCES, ids=lambda value: getattr(value, "__qualname__", ""))
def test_what_is_not_public_is_as_it_was_read(function: Any, known: str) -> None:
    assert digest(function) == known, f"{function.__qualname__} has changed"


def test_no_part_of_the_librarys_bookkeeping_is_left_to_look_at_ours() -> None:
    methods = {name for name, value in vars(BaseManager).items() if inspect.isfunction(value)}
    assert methods - vars(RoomRegistry).keys() == {
        "__init__",
        "set_server",
        "initialize",
        "_generate_ack_id",
        "_get_logger",
    }
