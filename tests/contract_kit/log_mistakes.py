"""Mistakes in the log and the settings, each as a patch of the example store."""

from typing import Any

from msgspec.structs import replace

from backends.errors import InvalidCursor
from backends.memory import log as memory
from backends.memory.log import MemoryLog, MemorySettingsStore
from backends.records import LogCount, LogPage, LogQuery
from backends.text import parse_cursor
from tests.contract_kit.mistakes import Patch, wrap


def a_line_is_stored_twice(patch: Patch) -> None:
    def store(former: Any, self: Any, entry: Any) -> None:
        lines = self._lines.setdefault(entry.session_id, {})
        lines[entry.seq if entry.seq not in lines else 1_000 + len(lines)] = entry

    wrap(patch, MemoryLog, "store", store)


def a_late_line_of_a_deleted_session_is_taken(patch: Patch) -> None:
    def store(former: Any, self: Any, entry: Any) -> None:
        self._lines.setdefault(entry.session_id, {}).setdefault(entry.seq, entry)

    wrap(patch, MemoryLog, "store", store)


def a_cursor_is_a_time_alone(patch: Patch) -> None:
    async def sessions(former: Any, self: Any, site_id: str, query: LogQuery) -> LogPage:
        if query.cursor is None:
            page: LogPage = await former(self, site_id, query)
            return page
        moment, _ = parse_cursor(query.cursor)
        older: LogPage = await former(self, site_id, replace(query, cursor=None, end=moment))
        return older

    wrap(patch, MemoryLog, "sessions", sessions)


def any_cursor_is_taken(patch: Patch) -> None:
    async def sessions(former: Any, self: Any, site_id: str, query: LogQuery) -> Any:
        try:
            return await former(self, site_id, query)
        except InvalidCursor:
            return await former(self, site_id, replace(query, cursor=None))

    wrap(patch, MemoryLog, "sessions", sessions)


def a_part_of_a_word_is_found(patch: Patch) -> None:
    patch.setattr(memory, "_matches", lambda text, wanted: all(word in text.casefold() for word in wanted))


def words_of_several_messages_are_found(patch: Patch) -> None:
    former = memory._matches
    patch.setattr(memory, "_matches", lambda text, wanted: any(former(text, [word]) for word in wanted))


def accents_make_a_difference(patch: Patch) -> None:
    patch.setattr(memory, "words", lambda text: text.casefold().split())


def retention_judges_by_the_first_line(patch: Patch) -> None:
    async def count_older(former: Any, self: Any, site_id: str, before: int) -> LogCount:
        counts = [len(lines) for lines in self._of_site(site_id) if lines[0].ts < before]
        return LogCount(len(counts), sum(counts))

    wrap(patch, MemoryLog, "count_older", count_older)


def an_export_shows_every_site(patch: Patch) -> None:
    def of_site(former: Any, self: Any, site_id: str) -> list[list[Any]]:
        return [[lines[seq] for seq in sorted(lines)] for lines in self._lines.values()]

    wrap(patch, MemoryLog, "_of_site", of_site)


def a_document_is_replaced_whatever_its_version(patch: Patch) -> None:
    async def put(former: Any, self: Any, name: str, value: bytes, expect: int) -> Any:
        current = self._documents.get(name)
        return await former(self, name, value, 0 if current is None else current.version)

    wrap(patch, MemorySettingsStore, "put", put)


def names_come_as_they_were_made(patch: Patch) -> None:
    async def names(former: Any, self: Any, prefix: str) -> list[str]:
        return [name for name in self._documents if name.startswith(prefix)]

    wrap(patch, MemorySettingsStore, "names", names)


def the_trail_is_oldest_first(patch: Patch) -> None:
    async def trail(former: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        return list(reversed(await former(self, *arguments, **named)))

    wrap(patch, MemorySettingsStore, "audit_trail", trail)


def a_ts_of_the_caller_is_believed(patch: Patch) -> None:
    async def audit(former: Any, self: Any, site_id: str, entry: Any) -> None:
        self._audit.setdefault(site_id, []).append(entry)

    wrap(patch, MemorySettingsStore, "audit", audit)
