"""What the functions of the schema return: JSON with a `status`, then stored bytes as they are."""

from typing import Literal

import msgspec
from msgspec import Struct

from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    NotTaken,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    SessionTaken,
    StorageError,
    VersionConflict,
)
from backends.records import Erased, Person, Session, Snapshot, Swept, Taking, Task

_REFUSALS: dict[str, type[StorageError]] = {
    "not_found": SessionNotFound,
    "deleted": SessionDeleted,
    "exists": SessionExists,
    "not_owner": NotOwner,
    "duplicate": DuplicateIdConflict,
    "not_taken": NotTaken,
}


class TaskHead(Struct):
    """A task without its body."""

    task_id: str
    status: Literal["running", "held", "done", "aborted"]
    version: int
    deadline: int | None = None


class FunctionReply(Struct):
    """The members that a function does not return have their defaults."""

    status: str
    session: Session | None = None
    task: TaskHead | None = None
    taken_from: str | None = None
    person: Person | None = None
    taking: Taking | None = None
    version: int = 0
    seq: int = 0
    message: str = ""
    earlier: str | None = None
    done: bool = False
    erased: Erased = Erased()
    swept: Swept = Swept()
    sessions: int = 0
    lines: int = 0


_decode = msgspec.json.Decoder(FunctionReply).decode


def read(found: list[bytes | None], name: str) -> FunctionReply:
    """Raises what the function has refused the call with; `name` is what it was about."""
    reply = _decode(found[0] or b"")
    if reply.status == "conflict":
        raise VersionConflict(reply.version)
    if reply.status == "taken":
        raise SessionTaken(name, *((reply.person.name, reply.person.since) if reply.person else ()))
    if reply.status in _REFUSALS:
        raise _REFUSALS[reply.status](name)
    return reply


def session_of(reply: FunctionReply) -> Session:
    assert reply.session is not None
    return reply.session


def snapshot_of(reply: FunctionReply, found: list[bytes | None]) -> Snapshot:
    head = reply.task
    task = None if head is None else Task(head.task_id, head.status, found[1] or b"", head.deadline, head.version)
    return Snapshot(session_of(reply), blobs(found, 2), task, reply.taken_from)


def blobs(found: list[bytes | None], first: int) -> list[bytes]:
    return [body for body in found[first:] if body is not None]
