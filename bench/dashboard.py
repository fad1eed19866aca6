"""Response times of the owner's API with 10,000 and 100,000 messages in a SQLite log.

Both servers run at the same time and take turns. `value` is the 95th percentile, with a goal of 300 ms. `ratio` is the
median over the median of the small log: the cost of a page must not depend on the size of the log.
"""

import functools
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID, uuid4

import aiohttp
import msgspec

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.records import LogEntry
from backends.sqlite import SqliteSettings
from bench.client import BadAnswer
from bench.servers import Server, servers
from bench.table import Row, spread
from leflux.owner.accounts import Accounts

SIZES = (10_000, 100_000)
CALLS = 20
MESSAGES = 8
DAYS = 60
DAY_MS = 86_400_000
DEEP = 0.9
SITE = "demo"
# Every session mentions lamps, one in a hundred mentions varnish, and each has its own number.
COMMON, SELDOM = "lamp", "varnish"
TALK = """how long does it take until a lamp arrives and what does that cost when it is sent abroad or fetched here
shade brass cable bulb oak order invoice return warranty colour size stock showroom voucher delivery address"""
WORDS = TALK.split()

Call = Callable[[], Awaitable[None]]


async def measure(rounds: int) -> list[Row]:
    """A row for each kind of page and each size of the log."""
    with tempfile.TemporaryDirectory() as folder, servers() as started:
        async with aiohttp.ClientSession() as http:
            pages: dict[int, dict[str, Call]] = {}
            for size in SIZES:
                store = StoreSettings(backend="sqlite", options=SqliteSettings(path=f"{folder}/{size}/leflux.db"))
                token = await _filled(store, size)
                server = await started.filled(f"{size:,}", store)
                pages[size] = await _pages(http, server, token, size)
            taken = await _interleaved(pages, rounds)
    return [row for what in pages[SIZES[0]] for row in _rows(what, {size: taken[size][what] for size in SIZES})]


async def _filled(settings: StoreSettings, size: int) -> str:
    """Fill a log with messages of the last `DAYS` days; returns an owner's token."""
    Path(settings.options.path).parent.mkdir()
    storage = await open_storage(settings)
    try:
        owners = Accounts(storage.settings)
        await owners.set_account("owner@bench.example", ["*"], None)
        await _fill(storage, size // MESSAGES)
        return await owners.add_token("owner@bench.example")
    finally:
        await storage.close()


async def _fill(storage: Storage, sessions: int) -> None:
    chance = random.Random(7)
    now = round(time.time() * 1000)
    batch: list[LogEntry] = []
    for number in range(sessions):
        start = now - DAYS * DAY_MS + round(DAYS * DAY_MS * number / sessions)
        batch += _conversation(chance, number, start)
        if len(batch) >= 2_000 or number == sessions - 1:
            await storage.log.append(batch)
            batch = []


def _conversation(chance: random.Random, number: int, start: int) -> list[LogEntry]:
    session_id, visitor_id = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(2))
    return [_entry(chance, number, session_id, visitor_id, start, seq) for seq in range(1, MESSAGES + 1)]


def _entry(chance: random.Random, number: int, session_id: str, visitor_id: str, start: int, seq: int) -> LogEntry:
    text = " ".join(chance.choices(WORDS, k=12))
    if seq == 1:
        text = f"{COMMON} number{number} {SELDOM if number % 100 == 0 else ''} {text}"
    role = "visitor" if seq % 2 else "assistant"
    ts, message_id = start + seq * 5_000, str(uuid4())
    body = msgspec.json.encode({"seq": seq, "ts": ts, "id": message_id, "role": role, "text": text})
    return LogEntry(SITE, session_id, seq, ts, message_id, role, text, body, start, visitor_id=visitor_id)  # type: ignore[arg-type]


async def _pages(http: aiohttp.ClientSession, server: Server, token: str, size: int) -> dict[str, Call]:
    ask = functools.partial(_ask, http, f"http://127.0.0.1:{server.port}/api/admin/sites/{SITE}", token)
    deep = await _cursor(ask, "", round(size / MESSAGES * DEEP))
    found = await _cursor(ask, f"q={COMMON}", round(size / MESSAGES * DEEP))
    last = size // MESSAGES - 1

    def page(query: str, path: str = "sessions") -> Call:
        async def call() -> None:
            await ask(f"/{path}?{query}")

        return call

    return {
        "list, first page": page("limit=50"),
        "list, page at nine tenths": page(f"limit=50&cursor={deep}"),
        "search, a word said once": page(f"limit=50&q=number{last}"),
        "search, one conversation in 100": page(f"limit=50&q={SELDOM}"),
        "search, a word of every one": page(f"limit=50&q={COMMON}"),
        "the same, at nine tenths": page(f"limit=50&q={COMMON}&cursor={found}"),
        "search, one letter": page("limit=50&q=l"),
        "search, two words of many": page("limit=50&q=brass+invoice"),
        "analytics, 7 days": page(_span(7), "analytics"),
        "analytics, 30 days": page(_span(30), "analytics"),
        f"analytics, {DAYS} days": page(_span(DAYS), "analytics"),
    }


def _span(days: int) -> str:
    end = round(datetime.now(UTC).timestamp() * 1000)
    return f"from={end - days * DAY_MS}&to={end}"


async def _ask(http: aiohttp.ClientSession, base: str, token: str, path: str) -> bytes:
    async with http.get(base + path, headers={"Authorization": f"Bearer {token}"}) as answer:
        body = await answer.read()
        if answer.status != 200:
            raise BadAnswer(body[:500])
        return body


async def _cursor(ask: Callable[[str], Awaitable[bytes]], query: str, depth: int) -> str:
    """The cursor after so many sessions."""
    cursor = ""
    for _ in range(depth // 100):
        after = f"&cursor={cursor}" if cursor else ""
        cursor = msgspec.json.decode(await ask(f"/sessions?limit=100&{query}{after}"))["nextCursor"]
    return cursor


async def _interleaved(pages: dict[int, dict[str, Call]], rounds: int) -> dict[int, dict[str, list[float]]]:
    taken: dict[int, dict[str, list[float]]] = {size: {what: [] for what in calls} for size, calls in pages.items()}
    order = [(size, what, call) for size, calls in pages.items() for what, call in calls.items()]
    for _ in range(rounds * CALLS):
        random.shuffle(order)
        for size, what, call in order:
            start = time.perf_counter()
            await call()
            taken[size][what].append((time.perf_counter() - start) * 1e3)
    return taken


def _rows(what: str, taken: dict[int, list[float]]) -> list[Row]:
    base = median(taken[SIZES[0]])
    rows = []
    for size, samples in taken.items():
        against = f"times the median at {SIZES[0]:,}" if size != SIZES[0] else ""
        ratio = median(samples) / base if against else None
        p95 = quantiles(samples, n=20, method="inclusive")[-1]
        note = f"median {median(samples):.1f} ms, {len(samples)} calls"
        rows.append(Row(what, f"{size:,} messages", p95, "ms p95", spread(samples), ratio, against, note))
    return rows
