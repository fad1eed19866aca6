"""Helpers of the contract tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backends.base import Storage
from backends.records import Appended, Draft, LogEntry, NewSession, SessionRef, Task

SITE = "shop"
OTHER_SITE = "other"
LONG = 3600.0
"""Seconds: never reached by a test, however slow."""
SHORT = 0.3
"""Seconds: reached soon; nothing is asserted about what holds before."""


def make_ref(site_id: str = SITE, session_id: str | None = None, idle_ttl: float = LONG) -> SessionRef:
    return SessionRef(site_id, session_id or str(uuid4()), idle_ttl)


async def started(storage: Storage, site_id: str = SITE, **new: Any) -> SessionRef:
    """A fresh session."""
    ref = make_ref(site_id)
    await storage.sessions.create(ref, NewSession(**new))
    return ref


def make_draft(text: str = "hello", client_id: str | None = None, **fields: Any) -> Draft:
    """A visitor's message; with `client_id`, its text is its fingerprint."""
    message_id = str(uuid4())
    role = fields.get("role", "visitor")
    fields.setdefault("fingerprint", text if client_id is not None else None)
    body = msgspec.json.encode({"id": message_id, "role": role, "text": text})
    known: dict[str, Any] = {"id": message_id, "role": role, "text": text, "body": body, "client_message_id": client_id}
    return Draft(**(known | fields))


async def say(
    storage: Storage, ref: SessionRef, text: str = "hello", client_id: str | None = None, **fields: Any
) -> Appended:
    epoch = fields.pop("epoch", None)
    return await storage.sessions.append(ref, make_draft(text, client_id, **fields), epoch)


async def ask(storage: Storage, ref: SessionRef, text: str = "why?") -> Appended:
    """A message that opens a question."""
    return await say(storage, ref, text, opens_turn=True, renews=True)


def make_task(status: Any = "running", deadline: int | None = None, task_id: str = "task-1") -> Task:
    return Task(task_id, status, msgspec.json.encode({"taskId": task_id, "status": status}), deadline)


def make_entry(session_id: str, seq: int = 1, text: str = "hello", **fields: Any) -> LogEntry:
    """A line as the outbox would deliver it; `ts` counts with `seq` unless given."""
    ts = fields.setdefault("ts", 1_700_000_000_000 + seq)
    body = msgspec.json.encode({"seq": seq, "ts": ts, "text": text})
    known: dict[str, Any] = {"message_id": f"{session_id}:{seq}", "role": "visitor", "started_at": 1_700_000_000_000}
    known |= {"site_id": SITE, "session_id": session_id, "seq": seq, "text": text, "body": body}
    return LogEntry(**(known | fields))


def decoded(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(body)
    return found


async def texts(storage: Storage, ref: SessionRef) -> list[str]:
    """The texts of a session, by paging through `messages`."""
    found: list[str] = []
    while page := await storage.sessions.messages(ref, len(found), 100):
        found += [decoded(body)["text"] for body in page]
    return found


async def drain(storage: Storage) -> None:
    """Deliver every waiting line to the log, as the server's slow timer does."""
    while entries := await storage.sessions.outbox(50):
        await storage.log.append(entries)
        await storage.sessions.outbox_done(entries)


async def logged(storage: Storage, ref: SessionRef) -> list[str]:
    """The texts of a session in the permanent log, once it has caught up."""
    await drain(storage)
    return [decoded(body)["text"] for body in await storage.log.messages(ref.site_id, ref.session_id, 0, 1000)]


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 90.0) -> None:
    """Wait for a condition; fails naming `what`."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"did not happen within {seconds} s: {what}")


async def until_raises(kind: type[Exception], call: Callable[[], Awaitable[object]]) -> None:
    """Wait until `call` raises exactly `kind`."""

    async def raises() -> bool:
        try:
            await call()
        except Exception as error:
            return type(error) is kind
        return False

    await until(raises, f"{kind.__name__} is raised")


async def outcomes(calls: list[Awaitable[Any]]) -> list[Any]:
    """What each of the racing calls returned or raised."""
    return await asyncio.gather(*calls, return_exceptions=True)
