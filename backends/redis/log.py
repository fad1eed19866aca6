"""`MessageLog` on Redis. Everything of a site's log is on one node, so that each line is stored in one atomic step."""

import heapq
from collections.abc import AsyncIterator, Sequence

from backends.clock import utc_date
from backends.records import DayCount, LogCount, LogEntry, LogPage, LogQuery, LogSession
from backends.redis.keys import Keys
from backends.redis.log_erase import RedisLogEraser
from backends.redis.log_keys import DAY_MS, LogKeys, chunks, decode_line
from backends.redis.node_pipeline import RedisClient, bounded
from backends.redis.outbox import Delivery
from backends.redis.script import command
from backends.redis.search import matching_sessions
from backends.text import make_cursor, parse_cursor, terms

PAGE = 500
EXPORT_SESSIONS, EXPORT_LINES = 20, 50
DAYS_AT_ONCE = 50
_FIELDS = ("started", "messages", "first_text", "visitor", "continues")
Position = tuple[int, str]


class RedisLog:
    """With `delivery`, a read first stores the lines that wait in the sessions of the same store."""

    def __init__(self, client: RedisClient, keys: Keys) -> None:
        self.delivery: Delivery | None = None
        self._client = client
        self._keys = keys

    async def append(self, entries: Sequence[LogEntry]) -> None:
        by_site: dict[str, list[LogEntry]] = {}
        async with bounded(self._client.deadline):
            for some in chunks(entries, PAGE):
                by_site.clear()
                for entry in some:
                    by_site.setdefault(entry.site_id, []).append(entry)
                layouts = ((LogKeys(self._keys, site_id), lines) for site_id, lines in by_site.items())
                await self._client.all(*(command for keys, lines in layouts for command in keys.store(lines)))

    async def _caught_up(self, site_id: str) -> LogKeys:
        if self.delivery is not None:
            await self.delivery.catch_up()
        return LogKeys(self._keys, site_id)

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            wanted = terms(query.words)
            positions = await (self._matching(keys, query, wanted) if wanted else self._newest(keys, query))
            page = positions[: query.limit]
            found = await self._summaries(keys, page)
        more = len(positions) > query.limit and page
        return LogPage(found, make_cursor(*page[-1]) if more else None)

    async def _newest(self, keys: LogKeys, query: LogQuery) -> list[Position]:
        """The positions of one page and one more."""
        bounds = _Bounds(query)
        found: list[Position] = []
        offset = 0
        while len(found) <= query.limit:
            flat = await self._client.one(
                command(
                    "ZREVRANGEBYSCORE",
                    keys.activity,
                    *(bounds.newest, bounds.oldest, "WITHSCORES", "LIMIT", offset, query.limit + 1),
                )
            )
            found += [position for position in _positions(flat) if bounds.admit(position)]
            offset += len(flat) // 2
            if len(flat) // 2 <= query.limit:
                break
        return found[: query.limit + 1]

    async def _matching(self, keys: LogKeys, query: LogQuery, wanted: list[str]) -> list[Position]:
        bounds = _Bounds(query)
        best: list[Position] = []
        for names in chunks(list(await matching_sessions(self._client, keys, wanted)), PAGE):
            scores = await self._client.one(command("ZMSCORE", keys.activity, *names))
            known = [(int(float(score)), name) for name, score in zip(names, scores, strict=True) if score is not None]
            best = heapq.nlargest(query.limit + 1, best + [position for position in known if bounds.admit(position)])
        return best

    async def _summaries(self, keys: LogKeys, positions: list[Position]) -> list[LogSession]:
        reads = [command("HMGET", keys.summary(name), *_FIELDS) for _, name in positions]
        found = zip(positions, await self._client.all(*reads), strict=True)
        return [_summary(keys.site_id, position, values) for position, values in found if values[1] is not None]

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            score = await self._client.one(command("ZSCORE", keys.activity, session_id))
            found = [] if score is None else await self._summaries(keys, [(int(float(score)), session_id)])
        return found[0] if found else None

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            name = session_id.encode()
            found = await self._client.one(
                command("ZRANGEBYLEX", keys.successors, b"[%s\0" % name, b"(%s\1" % name, "LIMIT", 0, 1)
            )
        return found[0][len(name) + 1 :].decode() if found else None

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            return [entry.body for entry in await self._lines(keys, session_id, since, limit)]

    async def _lines(self, keys: LogKeys, session_id: str, since: int, limit: int) -> list[LogEntry]:
        after = (f"({since}", "+inf", "LIMIT", 0, max(limit, 0))
        return [
            decode_line(record)
            for record in await self._client.one(command("ZRANGEBYSCORE", keys.lines(session_id), *after))
        ]

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
        first = "-"
        while names := await self._names(keys, first):
            first = f"({names[-1]}"
            for name in names:
                since = 0
                while lines := await self._lines(keys, name, since, EXPORT_LINES):
                    since = lines[-1].seq
                    for entry in lines:
                        if (start is None or entry.ts >= start) and (end is None or entry.ts < end):
                            yield entry
                    if len(lines) < EXPORT_LINES:
                        break

    async def _names(self, keys: LogKeys, first: str) -> list[str]:
        found = await self._client.one(command("ZRANGEBYLEX", keys.names, first, "+", "LIMIT", 0, EXPORT_SESSIONS))
        return [name.decode() for name in found]

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        counted: list[DayCount] = []
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            found = await self._client.one(command("ZRANGEBYSCORE", keys.days, start // DAY_MS, (end - 1) // DAY_MS))
            for days in chunks([int(day) for day in found], DAYS_AT_ONCE):
                messages = await self._client.all(*(command("HVALS", keys.day_messages(day)) for day in days))
                visitors = await self._client.all(*(command("HVALS", keys.day_visitors(day)) for day in days))
                counted += [
                    DayCount(utc_date(day * 86_400), len(counts), sum(map(int, counts)), len(set(names)))
                    for day, counts, names in zip(days, messages, visitors, strict=True)
                    if counts
                ]
        return counted

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        async with bounded(self._client.deadline):
            keys = LogKeys(self._keys, site_id)
            if self.delivery is not None:
                await self.delivery.catch_up_session(site_id, session_id)
            return await RedisLogEraser(self._client, keys).session(session_id, tombstone)

    async def count_older(self, site_id: str, before: int) -> LogCount:
        sessions = messages = 0
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            names = [
                name.decode()
                for name in await self._client.one(command("ZRANGEBYSCORE", keys.activity, "-inf", f"({before}"))
            ]
            for some in chunks(names, PAGE):
                counts = await self._client.all(*(command("HGET", keys.summary(name), "messages") for name in some))
                sessions += sum(count is not None for count in counts)
                messages += sum(int(count) for count in counts if count is not None)
        return LogCount(sessions, messages)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        async with bounded(self._client.deadline):
            keys = await self._caught_up(site_id)
            return await RedisLogEraser(self._client, keys).older(before, limit)


class _Bounds:
    """Which positions a query admits."""

    def __init__(self, query: LogQuery) -> None:
        self._start = query.start
        self._end = query.end
        self._after = parse_cursor(query.cursor) if query.cursor is not None else None
        latest = [] if query.end is None else [query.end - 1]
        latest += [] if self._after is None else [self._after[0]]
        self.newest = str(min(latest)) if latest else "+inf"
        self.oldest = "-inf" if query.start is None else str(query.start)

    def admit(self, position: Position) -> bool:
        activity = position[0]
        if self._start is not None and activity < self._start:
            return False
        if self._end is not None and activity >= self._end:
            return False
        return self._after is None or position < self._after


def _positions(flat: list[bytes]) -> list[Position]:
    return [(int(float(score)), name.decode()) for name, score in zip(flat[::2], flat[1::2], strict=True)]


def _summary(site_id: str, position: Position, values: list[bytes | None]) -> LogSession:
    started, messages, first_text, visitor, continues = (None if value is None else value.decode() for value in values)
    return LogSession(
        site_id=site_id,
        session_id=position[1],
        started_at=int(started or 0),
        last_activity=position[0],
        messages=int(messages or 0),
        first_text=first_text or "",
        visitor_id=visitor,
        continues=continues,
    )
