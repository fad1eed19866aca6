"""Erases from the log: a deletion leaves a tombstone, retention does not."""

from contextlib import suppress
from functools import partial
from typing import Any

from backends.errors import SessionCorrupt, StoreUnavailable
from backends.firestore.calls import Until, together
from backends.firestore.docs import DUE_NOW, LogDoc, decode, lines_of
from backends.firestore.lines import DAY_MS, summary_path
from backends.firestore.rpc import PARALLEL, READ_CHUNK, Rpc
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.records import LogCount

_TIDY_LIMIT = 20


class LogEraser:
    """Deletes lines with their summary."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues) -> None:
        self._rpc = rpc
        self._queues = queues
        self._summaries = rpc.path("logSessions")
        self._lines = rpc.path("logLines")

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        """Rule L6. The tombstone is stored first and hides everything; then the lines are deleted."""
        until = self._rpc.until(slow=True)
        path = summary_path(self._rpc, site_id, session_id)

        def step(unit: Unit) -> int:
            summary = _buried(unit.get(path), site_id, session_id)
            summary.until = unit.now + int(tombstone * 1000)
            summary.todo = summary.until if summary.erased else DUE_NOW
            unit.put(path, summary.encode())
            return summary.messages

        messages = await self._queues.run(path, step, until=until)
        await self._finish(site_id, session_id, until)
        with suppress(StoreUnavailable):
            await self._tidy(until)
        return messages

    async def _finish(self, site_id: str, session_id: str, until: Until) -> None:
        """Delete the lines of a deleted session, and the tombstone itself once it has ended."""
        await self._rpc.erase_all(self._lines, until, lines_of(site_id, session_id), "key")
        path = summary_path(self._rpc, site_id, session_id)

        def step(unit: Unit) -> None:
            data = unit.get(path)
            summary = decode(data, LogDoc, session_id) if data is not None else None
            if summary is None or summary.status == "live":
                return
            if summary.erased and not summary.is_tombstone(unit.now):
                unit.drop(path)
            else:
                summary.erased, summary.messages, summary.todo = True, 0, summary.until
                unit.put(path, summary.encode())

        await self._queues.run(path, step, until=until)

    async def _tidy(self, until: Until) -> None:
        """Complete a few interrupted deletions, and drop tombstones that have ended."""
        now = (await self._rpc.read([self._rpc.path("meta", "clock")], until)).now
        due = await self._rpc.find(
            self._summaries, until, [("todo", "<=", now)], "todo", limit=_TIDY_LIMIT, fields=("id", "site")
        )
        for hit in due:
            await self._finish(hit.data["site"], hit.data["id"], until)

    async def count_older(self, site_id: str, before: int) -> LogCount:
        sessions = messages = 0
        until = self._rpc.until(slow=True)
        async for page in self._rpc.pages(
            self._summaries, until, "rank", _older(site_id, before), ("messages", "rank")
        ):
            sessions += len(page)
            messages += sum(hit.data["messages"] for hit in page)
        return LogCount(sessions, messages)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        until = self._rpc.until(slow=True)
        sessions = messages = 0
        hits = await self._rpc.find(
            self._summaries, until, _older(site_id, before), "rank", limit=limit, fields=("id",)
        )
        for first in range(0, len(hits), PARALLEL):
            if until.is_half_spent():
                break
            some = [hit.data["id"] for hit in hits[first : first + PARALLEL]]
            for whole, lines in await together(self._erase_older(site_id, name, before, until) for name in some):
                sessions += whole
                messages += lines
        with suppress(StoreUnavailable):
            await self._tidy(until)
        return LogCount(sessions, messages)

    async def _erase_older(self, site_id: str, session_id: str, before: int, until: Until) -> tuple[int, int]:
        """Erase one session in chunks, its counts right after each; a line that arrives meanwhile ends it."""
        path = summary_path(self._rpc, site_id, session_id)
        within, messages = lines_of(site_id, session_id), 0
        while True:
            hits = await self._rpc.find(self._lines, until, within, "key", limit=READ_CHUNK, fields=("key",))
            lines = [hit.path for hit in hits]
            step = partial(_erase_chunk, path, lines, before)
            gone, left = await self._queues.run(path, step, lines, until, len(lines) + 1)
            messages += gone
            if left <= 0 or not lines:
                return (1 if left == 0 else 0), messages


def _erase_chunk(path: str, lines: list[str], before: int, unit: Unit) -> tuple[int, int]:
    """How many lines went and how many are left; -1 when the session must stay."""
    data = unit.get(path)
    summary = decode(data, LogDoc, "") if data is not None else None
    if summary is None or summary.status != "live" or summary.activity >= before:
        return 0, -1
    gone = 0
    for line in lines:
        stored = unit.get(line)
        if stored is not None:
            unit.drop(line)
            _uncount(summary, stored)
            gone += 1
    if summary.messages <= 0 or not lines:
        unit.drop(path)
        return gone, 0
    unit.put(path, summary.encode())
    return gone, summary.messages


def _uncount(summary: LogDoc, line: dict[str, Any]) -> None:
    summary.messages -= 1
    day = str(line["ts"] // DAY_MS)
    left = summary.days.pop(day, 0) - 1
    if left > 0:
        summary.days[day] = left


def _buried(data: dict[str, Any] | None, site_id: str, session_id: str) -> LogDoc:
    """The summary as a tombstone; one that was never stored is buried too."""
    summary = LogDoc(id=session_id, site=site_id)
    if data is not None:
        with suppress(SessionCorrupt):
            summary = decode(data, LogDoc, session_id)
    summary.erased = summary.status == "buried" and summary.erased
    summary.status = "buried"
    summary.first_text, summary.visitor, summary.continues, summary.days = "", None, None, {}
    return summary


def _older(site_id: str, before: int) -> list[tuple[str, str, Any]]:
    return [("site", "==", site_id), ("rank", ">", ""), ("rank", "<", f"{max(before, 0):015}")]
