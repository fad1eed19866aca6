"""The owner's pages as an owner uses them, and conversations for them to look at."""

import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from msgspec import Struct
from playwright.async_api import BrowserContext, Dialog, Locator, Page, expect

from backends.base import Storage
from backends.records import LogEntry, NewSession, SessionRef, Task
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.common.server_key import ServerKey
from leflux.owner.accounts import Accounts
from tests.contract.kit import make_draft
from tests.services.chromium import LIMIT_MS
from tests.services.server import ServerProcess

EMAIL, PASSWORD, SITE = "ada@northlight.example", "correct horse battery", "demo"
HOUR = 3_600_000
expect.set_options(timeout=LIMIT_MS)

HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "[click](javascript:alert(3)) <a href='javascript:alert(4)'>here</a>",
    "W" * 3_000,
    "‮gnirts desrever‬ \u0000\u0007 Z͑ͫ̓A̴̵G̴̻O̹" * 10,
]
KINDS = ["question", "task", "aborted", "notice", "error"]


class Line(Struct, frozen=True):
    """One message of a seeded conversation."""

    role: Any
    text: str
    kind: str | None = None
    data: Any = None


class Owner:
    """An owner's browser tab. `base` is the server's address."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(error.stack or str(error)))
        page.on("dialog", self._asked)
        # A page that asks who is signed in is told by a 401 that nobody is: Chromium writes that down.
        page.on("console", lambda said: None if "401" in said.text else self.wrong.append(said.text))

    async def _asked(self, dialog: Dialog) -> None:
        self.wrong.append(f"{dialog.type}: {dialog.message}")
        await dialog.accept()

    @property
    def title(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def toast(self) -> Locator:
        return self.page.locator(".toast")

    async def go(self, path: str = "") -> "Owner":
        """Open an address below `/dashboard/`."""
        await self.page.goto(f"{self.base}/dashboard/{path}")
        return self

    async def sign_in(self, password: str = PASSWORD) -> "Owner":
        await self.page.get_by_label("Email").fill(EMAIL)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        return self

    async def shows(self, title: str) -> None:
        await expect(self.title).to_have_text(title)


class Desk:
    """A running server with an account, and what its store held before it started."""

    def __init__(self, server: ServerProcess, sessions: dict[str, str]) -> None:
        self.server = server
        self.sessions = sessions

    async def stranger(self, context: BrowserContext) -> Owner:
        """A tab in which nobody has signed in."""
        return Owner(await context.new_page(), self.server.base)

    async def owner(self, context: BrowserContext, path: str = f"{SITE}/") -> Owner:
        """A tab that was opened at `path`, and signed in there."""
        tab = await self.stranger(context)
        await tab.go(path)
        await tab.sign_in()
        await expect(tab.page.get_by_role("navigation", name="Pages")).to_be_visible()
        return tab


async def seed(storage: Storage) -> dict[str, str]:
    """Store the account, and conversations: their conversation ids by what they are about."""
    await seed_account(storage)
    now = round(time.time() * 1000)
    first = await log_conversation(storage, now - 50 * HOUR, [Line("visitor", "Is there a showroom in Hamburg?")])
    hostile = [Line("visitor", text) for text in HOSTILE]
    hostile += [Line("assistant", f"This is of the kind {kind}.", kind) for kind in KINDS]
    sources = [
        {"title": "Shipping", "url": "https://northlight.example/shipping"},
        {"title": "Evil", "url": "javascript:alert(5)"},
    ]
    told = "**Six** days, see [shipping](https://northlight.example/shipping) or [this](javascript:alert(6))."
    hostile.append(Line("assistant", told, data={"sources": sources}))
    ids = {
        "first": first,
        "hostile": await log_conversation(storage, now - 30 * HOUR, hostile),
        "second": await log_conversation(
            storage, now - 49 * HOUR, [Line("visitor", "And one in Lisbon?")], continues=first
        ),
        "old": await log_conversation(
            storage, now - 100 * 24 * HOUR, [Line("visitor", "Ancient question about varnish")]
        ),
        "live": await seed_live(storage),
    }
    for number in range(40):
        talk = [Line("visitor", f"What does lamp number {number} cost?"), Line("assistant", "It costs €160.")]
        ids[f"lamp {number}"] = await log_conversation(storage, now - (60 + number) * HOUR, talk)
    named = await ConversationIdSource(ServerKey(storage.settings)).get()
    return {about: named.of(session_id) for about, session_id in ids.items()}


async def seed_account(storage: Storage) -> None:
    """Whoever owns the site and may sign in."""
    await Accounts(storage.settings).set_account(EMAIL, [SITE], PASSWORD)


async def log_conversation(
    storage: Storage, start: int, lines: Sequence[Line], continues: str | None = None, visitor_id: str = ""
) -> str:
    """A conversation whose session is long over: it is in the log alone. Left out, the visitor is a new one."""
    session_id, visitor_id = str(uuid4()), visitor_id or str(uuid4())
    entries = [_entry(session_id, visitor_id, start, seq, line, continues) for seq, line in enumerate(lines, start=1)]
    await storage.log.append(entries)
    return session_id


def _entry(session_id: str, visitor_id: str, start: int, seq: int, line: Line, continues: str | None) -> LogEntry:
    ts, message_id = start + seq * 1_000, str(uuid4())
    body = {"seq": seq, "ts": ts, "id": message_id, "role": line.role, "text": line.text}
    body |= {"kind": line.kind} if line.kind else {}
    body |= {"data": line.data} if line.data else {}
    return LogEntry(
        site_id=SITE,
        session_id=session_id,
        seq=seq,
        ts=ts,
        message_id=message_id,
        role=line.role,
        text=line.text,
        body=json.dumps(body).encode(),
        started_at=start,
        kind=line.kind,
        visitor_id=visitor_id,
        continues=continues,
    )


async def seed_live(storage: Storage) -> str:
    """A session that goes on, with what the chat knows of its page and a task that is over."""
    ref = SessionRef(SITE, str(uuid4()), 1_800.0)
    await storage.sessions.create(ref, NewSession(visitor_id=str(uuid4())))
    await storage.sessions.append(ref, make_draft("Please book a demo in Hamburg", renews=True))
    await storage.sessions.set_context(ref, json.dumps({"url": "https://northlight.example/book/"}).encode())
    steps = [("Open the form", "done"), ("Choose the day", "started"), ("Confirm", "pending")]
    body = {
        "taskId": "task-1",
        "status": "aborted",
        "cursor": 1,
        "progressBy": 0,
        "steps": [
            {"id": str(n), "action": "click", "expectUrl": "", "description": text, "status": status}
            for n, (text, status) in enumerate(steps)
        ],
    }
    await storage.sessions.swap_task(ref, Task("task-1", "aborted", json.dumps(body).encode()), 0)
    return ref.session_id
