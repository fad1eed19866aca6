"""A task as it is stored and sent, with the fields that only the server uses.

Times are milliseconds of the store's clock.
"""

import hashlib
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from leflux.tasks.plans import Action, Expect, Target

Reason = Literal["reload", "timeout", "failed", "cancelled"]
StepStatus = Literal["pending", "started", "done", "failed"]
Status = Literal["running", "held", "done", "aborted"]


class Step(Struct, rename="camel", omit_defaults=True, frozen=True):
    """A stored step. `started_by`: the epoch of its socket; `url`: where a navigate or a click leads.

    `guarded`: the visitor has not agreed to it, so the page asks before a grave click.
    """

    id: str
    action: Action
    expect_url: str
    status: StepStatus
    element_id: str | None = None
    target: Target | None = None
    url: str | None = None
    input_data: str | None = None
    wait_duration: int | None = None
    description: str = ""
    started_by: int = 0
    error: str | None = None
    guarded: bool = False
    expect: Expect | None = None


class TaskQuestion(Struct, rename="camel", frozen=True):
    """The open question to the visitor.

    `gate`: may the task start; `repeat`: may a click be repeated that may have happened; `missing`: look once more for
    an element; `consent`: may this click be made.
    """

    kind: Literal["gate", "repeat", "missing", "consent"]
    action_id: str
    message: str
    confirm_label: str
    cancel_label: str


class Ending(Struct, rename="camel", omit_defaults=True, frozen=True):
    """The decided end of a task, kept until its message is stored. `closes_turn`: the `seq` of the question that it
    answers.
    """

    status: Literal["done", "aborted"]
    text: str
    reason: Reason | None = None
    closes_turn: int | None = None
    follow_up: bool = False


class TaskState(Struct, rename="camel", omit_defaults=True, frozen=True):
    """A stored task. `progress_by`: the deadline of the current step or answer. `plans`: fingerprints of the chain's
    plans so far. `page`: the page instance that runs the steps, once it has started one.
    """

    task_id: str
    status: Status
    steps: tuple[Step, ...]
    cursor: int
    progress_by: int
    held_until: int | None = None
    question: TaskQuestion | None = None
    ending: Ending | None = None
    reason: Reason | None = None
    say: str = ""
    done: str = ""
    data: dict[str, Any] = {}
    follow_up: bool = False
    plans: tuple[str, ...] = ()
    page: str = ""

    @property
    def is_live(self) -> bool:
        return self.status in ("running", "held")

    @property
    def next(self) -> Step | None:
        """The first step that is not done."""
        return self.steps[self.cursor] if self.cursor < len(self.steps) else None


def encode(state: TaskState) -> bytes:
    return msgspec.json.encode(state)


def decode(body: bytes) -> TaskState:
    return msgspec.json.decode(body, type=TaskState)


def derived_id(*parts: object) -> str:
    """A UUIDv4-shaped id that every process derives from `parts` in the same way."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()
    return str(UUID(bytes=digest, version=4))


def is_web(url: str) -> bool:
    """Whether the scheme is http or https."""
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def same_page(one: str, other: str) -> bool:
    """Whether two URLs have the same origin, path and query. A fragment and a trailing slash are ignored."""
    return _page(one) == _page(other)


def _page(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url, "", "")
    default = {"http": 80, "https": 443}.get(parts.scheme)
    origin = f"{parts.scheme}://{parts.hostname or ''}:{port or default}"
    return (origin, parts.path.rstrip("/"), parts.query)
