"""Connects to the database of a URL. Nothing depends on the state of a session, so a pooler may stand in between."""

import asyncio
import os
import select
import socket
from contextlib import suppress
from typing import Any

from psycopg import AsyncConnection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from backends.errors import StoreMisconfigured
from backends.postgres.errors import startup_error

Connection = AsyncConnection[tuple[Any, ...]]


def parameters(url: str, deadline: float, purpose: str = "leflux") -> dict[str, Any]:
    """What libpq is told. Raises `StoreMisconfigured`, without repeating the URL."""
    try:
        given = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise StoreMisconfigured("storage.postgres.url: libpq cannot read it as a URL") from error
    ours: dict[str, Any] = {
        "application_name": purpose,
        "connect_timeout": max(2, round(deadline)),
        "tcp_user_timeout": round(deadline * 1000),
    }
    if "," in str(given.get("host", "")):
        # After a failover, the host that takes writes is another one.
        ours["target_session_attrs"] = "read-write"
    return ours | given | {"client_encoding": "UTF8"}


async def connect(url: str, deadline: float, purpose: str = "leflux") -> Connection:
    """`purpose` is what the server lists the connection as. Raises the driver's errors, `OSError` or `TimeoutError`."""
    told = parameters(url, deadline, purpose)
    async with asyncio.timeout(deadline):
        # `prepare_threshold`: a pooler may give the next statement to a server that has not prepared it.
        return await AsyncConnection.connect("", autocommit=True, prepare_threshold=None, **told)


async def first_connection(url: str, deadline: float) -> Connection:
    """Raises `StoreMisconfigured` or `StoreUnavailable`."""
    try:
        return await connect(url, deadline)
    except Exception as error:
        raise startup_error(error, deadline) from error


def is_usable(connection: Connection) -> bool:
    """Whether an idle connection still is one: the server sends nothing unasked, save when it ends the session."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def cut(connection: Connection) -> None:
    """End a connection that does not answer. Whoever waits for it gets an error at once.

    Cancelling the wait would ask the server to cancel the statement, and wait for that.
    """
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as link:
        link.shutdown(socket.SHUT_RDWR)
