"""One seed on one installation: visitors and nemesis, then rest, then the last readings, then the rules."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tests.faults.history import History, Reading, Stored
from tests.faults.nemesis import Nemesis
from tests.faults.rules import Run, violations
from tests.faults.set_ups import SetUp, opened
from tests.faults.visitors import Visitor, stored
from tests.services.server import ROOT, ServerProcess

VISITORS = 4
REST_SECONDS = 90.0
EXPORT_SECONDS = 60.0


class Outcome(Struct, frozen=True):
    """What one seed showed."""

    set_up: str
    seed: int
    operations: int
    faults: int
    acknowledged: int
    violations: list[str]


async def run_seed(name: str, seed: int, seconds: float, out: Path, root: Path = ROOT) -> Outcome:
    """Run one seed for so many seconds. `out` gets the history; `root` is the checkout whose server is judged."""
    with TemporaryDirectory(prefix="leflux-faults-") as folder:
        history = History(out / f"{name}-{seed}.jsonl")
        try:
            async with opened(name, Path(folder), root) as set_up, aiohttp.ClientSession() as http:
                bases = [server.base for server in set_up.servers]
                visitors = [Visitor(history, seed, number, bases, http) for number in range(VISITORS)]
                try:
                    await _disturb(history, seed, seconds, set_up, visitors)
                    readings = await _readings(set_up, visitors, history)
                finally:
                    for visitor in visitors:
                        await visitor.close()
        finally:
            history.close()
    run = Run(history.events, readings, [visitor.canary for visitor in visitors])
    ends = [event for event in history.events if event.kind in ("ok", "refused", "unknown")]
    return Outcome(
        name,
        seed,
        len(ends),
        sum(event.kind == "fault" for event in history.events),
        sum(event.kind == "ok" and event.op == "say" for event in ends),
        violations(run),
    )


async def _disturb(history: History, seed: int, seconds: float, set_up: SetUp, visitors: list[Visitor]) -> None:
    enough = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, enough.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(Nemesis(history, seed, set_up).work(enough))
        for visitor in visitors:
            group.create_task(visitor.work(enough))


async def _readings(set_up: SetUp, visitors: list[Visitor], history: History) -> list[Reading]:
    await _purges_end(visitors, history)
    purged = {event.session for event in history.events if event.op == "purge"}
    open_ = [(visitor, session) for visitor in visitors for session in visitor.sessions if session not in purged]
    for visitor, session in open_:
        await _in_time(history, partial(_is_answered, visitor, session), f"{session} is not answered")
    shown = {session: await _api(visitor, session) for visitor in visitors for session in visitor.sessions}
    log = await _log(set_up.servers[0], history, sum(len(messages or ()) for messages, _ in shown.values()))
    readings = []
    for visitor in visitors:
        for session in visitor.sessions:
            messages, gone = shown[session]
            reading = Reading(visitor.number, session, messages, tuple(log.get(session, ())), gone=gone)
            if set_up.read is not None and messages is not None:
                reading = replace(reading, store=set_up.read(session))
            if set_up.left is not None and session in purged:
                reading = replace(reading, left=sum(map(set_up.left, _words(history, session))))
            readings.append(reading)
    return readings


async def _log(server: ServerProcess, history: History, expected: int) -> dict[str, list[Stored]]:
    """The permanent log by session, once it has so many messages."""
    session_of = {event.key: event.session for event in history.events if event.key}
    exported: dict[str, list[Stored]] = {}

    async def is_complete() -> bool:
        nonlocal exported
        exported = await _export(server)
        return sum(map(len, exported.values())) >= expected

    await _in_time(history, is_complete, "the log has not every message")
    return {session_of.get(lines[0].key or "", ""): lines for lines in exported.values()}


async def _in_time(history: History, condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    try:
        async with asyncio.timeout(REST_SECONDS):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        history.add("restless", otherwise)


async def _purges_end(visitors: list[Visitor], history: History) -> None:
    """A deletion whose outcome was not known is repeated, as a page does."""
    done = {event.session for event in history.events if event.op == "purge" and event.kind == "ok"}
    begun = {event.session: event.visitor for event in history.events if event.op == "purge"}

    async def is_purged(visitor: Visitor, session: str) -> bool:
        return (await visitor.purge(session)).kind == "ok"

    for session in begun.keys() - done:
        await _in_time(history, partial(is_purged, visitors[begun[session]], session), f"{session} is not purged")


def _words(history: History, session: str) -> list[str]:
    """One of the texts of a session is enough: each has a word that no other session has."""
    texts = [event.text for event in history.events if event.session == session and event.kind == "ok" and event.text]
    return texts[:1]


async def _is_answered(visitor: Visitor, session: str) -> bool:
    try:
        messages, _ = await _api(visitor, session)
    except (aiohttp.ClientError, StoreAwayError, OSError):
        return False
    roles = [one.role for one in messages or ()]
    return roles.count("visitor") <= roles.count("assistant")


class StoreAwayError(Exception):
    """The server cannot read its store now."""


async def _api(visitor: Visitor, session: str) -> tuple[tuple[Stored, ...] | None, str]:
    """The whole history, or None and the code of the refusal."""
    status, answer = await visitor.client().call("GET", f"/api/session/{session}/messages?limit=500")
    if status == 200:
        return stored(answer["messages"]), ""
    if status in (404, 410):
        return None, answer["error"]
    raise StoreAwayError(answer["error"])


async def _export(server: ServerProcess) -> dict[str, list[Stored]]:
    """The permanent log by conversation id, as the product's command writes it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "run.py", "--config", str(server.config), "export", "shop"),
        cwd=server.root,
        env=server.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(EXPORT_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found: dict[str, list[Stored]] = {}
    for line in output.splitlines():
        entry = msgspec.json.decode(line)
        found.setdefault(entry["conversationId"], []).extend(stored([entry]))
    return found
