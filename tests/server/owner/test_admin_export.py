"""The export: whole, in little memory, harmless in a spreadsheet, and patient with a slow reader up to a point."""

import asyncio
import csv
import io
import json
import socket
import tracemalloc
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from backends.errors import StoreUnavailable
from backends.records import LogEntry
from leflux.owner.export_format import CHUNK, export_chunks, guarded
from leflux.web.admin import export, listing
from tests.server.conftest import until
from tests.server.owner_kit import Caller, OwnerKit, converse, owning

EXPORT = "/api/admin/sites/shop/export"


async def download(owner: Caller, query: str) -> tuple[str, bytes]:
    """Media type and body of a whole export."""
    async with owner.http.get(f"{owner.base}{EXPORT}?{query}", headers=owner.headers) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["Content-Type"], await answer.read()


def entry(number: int, text: str, session_id: str | None = None) -> LogEntry:
    message = {"seq": number, "ts": number, "id": str(uuid4()), "role": "visitor", "text": text}
    body = json.dumps(message).encode()
    return LogEntry("shop", session_id or str(uuid4()), number, number, message["id"], "visitor", text, body, 1)  # type: ignore[arg-type]


async def fill(kit: OwnerKit, count: int, text: str = "word " * 60) -> None:
    session_id = str(uuid4())
    for start in range(1, count + 1, 1_000):
        await kit.storage.log.append([entry(number, text, session_id) for number in range(start, start + 1_000)])


async def test_every_message_is_a_line(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "one", "two", visitorId="v-1")
        (name,) = await kit.named(session_id)
        media_type, body = await download(owner, "format=jsonl")
        lines = [json.loads(line) for line in body.splitlines()]
        assert media_type == "application/x-ndjson"
        assert [line["text"] for line in lines] == ["one", "echo: one", "two", "echo: two"]
        assert {(line["conversationId"], line["visitorId"]) for line in lines} == {(name, "v-1")}
        shown = await owner.get(f"/sites/shop/sessions/{session_id}")
        assert [{k: v for k, v in line.items() if k not in {"conversationId", "visitorId"}} for line in lines] == shown[
            "messages"
        ]
        later = lines[-1]["ts"] + 1
        assert (await download(owner, f"from={later}"))[1] == b""
        assert len((await download(owner, f"from={lines[0]['ts']}&to={later}"))[1].splitlines()) == 4


async def test_what_a_search_lists_is_what_is_exported(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        lamps = [await converse(visitor, f"lamp {number}", visitorId="v-1") for number in range(3)]
        await converse(visitor, "a chair")
        _, body = await download(owner, "q=lamp&state=live")
        lines = [json.loads(line) for line in body.splitlines()]
        names = await kit.named(*lamps)
        assert [line["conversationId"] for line in lines[::2]] == names[::-1]
        assert [line["text"] for line in lines[:2]] == ["lamp 2", "echo: lamp 2"]
        shown = await owner.get(f"/sites/shop/sessions/{lamps[2]}")
        head = {"conversationId": names[2], "visitorId": "v-1"}
        assert lines[:2] == [head | message for message in shown["messages"]]
        rows = list(
            csv.DictReader(io.StringIO((await download(owner, "q=lamp&format=csv"))[1].decode("utf-8-sig"), newline=""))
        )
        assert [row["messageId"] for row in rows] == [line["id"] for line in lines]
        assert (await download(owner, "state=ended"))[1] == b""
        assert (await owner.call("GET", "/sites/shop/export?state=nonsense"))[0] == 400
        trail = (await owner.get("/sites/shop/audit"))["entries"]
        exported = [entry for entry in trail if entry["action"] == "log.exported"]
        assert exported[-1]["details"] == {"format": "jsonl", "from": None, "to": None, "filtered": True}


async def test_a_filtered_export_reads_pages_of_conversations_and_of_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_PAGE", 3)
    monkeypatch.setattr(listing, "EXPORT_LINES", 2)
    async with owning(tmp_path, "sqlite") as kit:
        sessions = [str(uuid4()) for _ in range(8)]
        await kit.storage.log.append([entry(n, "lamp", session) for session in sessions for n in range(1, 6)])
        _, body = await download(await kit.owner(), "q=lamp")
        lines = [json.loads(line) for line in body.splitlines()]
        assert sorted((line["conversationId"], line["seq"]) for line in lines) == sorted(
            (name, n) for name in await kit.named(*sessions) for n in range(1, 6)
        )


HARMLESS = ['a "quote", and\nlines', "<script>", "‮", "a=b", "3 - 2", "mail@shop.test", ":-)"]
FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@sum", "\tx", "\rx", "\n=1", ";=1", "；=1", "＝1", "＋1", "－1", "＠sum"]
FORMULAS += [
    " =1",
    '"=1',
    "'=1",
    '";=1',
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "|=1",
    ",=1",
    "\x00=1",
    "hello;=1",
    "two\n=1",
]
FORMULAS += ["a;\t＝1", "x | @sum", "“=1"]


def spreadsheet(text: str, separator: str) -> list[str]:
    """The cells that a spreadsheet with this list separator finds."""
    return [
        cell
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
        for cell in row
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
async def test_a_spreadsheet_runs_nothing_that_a_visitor_wrote(tmp_path: Path, separator: str) -> None:
    async with owning(tmp_path) as kit:
        texts = [*HARMLESS, *FORMULAS]
        await kit.storage.log.append([entry(number, text, str(uuid4())) for number, text in enumerate(texts, 1)])
        media_type, body = await download(await kit.owner(), "format=csv")
        assert media_type.startswith("text/csv")
        assert body.startswith(b"\xef\xbb\xbf")
        cells = spreadsheet(body.decode(), separator)
        assert len(cells) > len(texts)
        assert not [
            cell for cell in cells if cell.lstrip(' "\u00a0\u200b\ufeff\x00').startswith(tuple("=+-@＝＋－＠\t\r\n"))
        ]


def test_only_what_would_run_is_guarded() -> None:
    assert [guarded(cell) for cell in (None, 5, *HARMLESS)] == ["", "5", *HARMLESS]
    assert not [text for text in FORMULAS if guarded(text) == text]
    assert [guarded(cell) for cell in ("=b", "a;=b", ";=b")] == ["'=b", "a;'=b", "';'=b"]


MANY = [50_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])]


@pytest.mark.parametrize("count", MANY)
async def test_so_many_messages_pass_in_little_memory(tmp_path: Path, count: int) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        await fill(kit, count, "word " * 20)
        entries = kit.storage.log.export("shop", None, None)
        total = 0
        tracemalloc.start()
        try:
            async for chunk in export_chunks(entries, "jsonl", str):
                total += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert total > 200 * count
        assert peak < 4_000_000


async def slow_reader(kit: OwnerKit, owner: Caller) -> socket.socket:
    """A connection that has asked for an export and takes nothing of it."""
    host, _, port = kit.base.removeprefix("http://").partition(":")
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect((host, int(port)))
    head = f"GET {EXPORT} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {owner.headers['Authorization']}\r\n\r\n"
    reader.sendall(head.encode())
    reader.setblocking(False)
    return reader


async def test_a_reader_that_stops_is_waited_for_and_then_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    closed = asyncio.Event()

    async def counted(entries: Any, kind: Any, name: Any) -> Any:
        try:
            async for chunk in export_chunks(entries, kind, name):
                taken.append(len(chunk))
                yield chunk
        finally:
            closed.set()

    monkeypatch.setattr(export, "export_chunks", counted)
    monkeypatch.setattr(export, "CHUNK_SECONDS", 1.0)
    async with owning(tmp_path, "sqlite") as kit:
        await fill(kit, 50_000)
        reader = await slow_reader(kit, await kit.owner())
        try:
            async with asyncio.timeout(30):
                await closed.wait()
        finally:
            reader.close()
        # The socket's buffers are all that was read for it; most of the log was not.
        assert sum(taken) < 10_000_000
        assert max(taken) < 2 * CHUNK


async def test_an_export_that_breaks_off_does_not_look_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(entries: Any, kind: Any, name: Any) -> Any:
        yield b"the first lines\n"
        raise StoreUnavailable("away")

    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        monkeypatch.setattr(export, "export_chunks", broken)
        with pytest.raises(aiohttp.ClientPayloadError):
            await download(owner, "format=jsonl")


async def test_an_export_that_cannot_begin_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(entries: Any, kind: Any, name: Any) -> Any:
        raise StoreUnavailable("away")
        yield b""

    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        monkeypatch.setattr(export, "export_chunks", broken)
        status, answer = await owner.call("GET", "/sites/shop/export")
        assert (status, answer["error"]) == (503, "store_unavailable")
        assert (await owner.call("GET", "/sites/shop/export?format=xml"))[0] == 400


async def test_an_export_is_written_down(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        await download(owner, "format=csv&from=5")

        async def trail() -> list[Any]:
            found: list[Any] = (await owner.get("/sites/shop/audit"))["entries"]
            return found

        async def is_written() -> bool:
            return len(await trail()) == 1

        await until(is_written, "the export is in the trail")
        (line,) = await trail()
        assert (line["action"], line["details"]) == ("log.exported", {"format": "csv", "from": 5, "to": None})
