"""The lines of an export: JSON, or cells for a spreadsheet."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from backends.records import LogEntry

Format = Literal["jsonl", "csv"]
COLUMNS = ("sessionId", "seq", "time", "role", "kind", "text", "messageId", "visitorId")
CHUNK = 64 * 1024
# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


async def export_chunks(entries: AsyncIterator[LogEntry], kind: Format) -> AsyncGenerator[bytes, None]:
    """The whole export in pieces of about `CHUNK` bytes; holds one piece in memory."""
    line: Callable[[LogEntry], bytes] = csv_line if kind == "csv" else json_line
    chunk = bytearray((",".join(COLUMNS) + "\r\n").encode() if kind == "csv" else b"")
    async for entry in entries:
        chunk += line(entry)
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def json_line(entry: LogEntry) -> bytes:
    """The message itself, with its session in front."""
    head = msgspec.json.encode({"sessionId": entry.session_id, "visitorId": entry.visitor_id})
    return head[:-1] + b"," + entry.body[1:] + b"\n"


def csv_line(entry: LogEntry) -> bytes:
    moment = datetime.fromtimestamp(entry.ts / 1000, UTC).isoformat(timespec="milliseconds")
    said = (entry.role, entry.kind, entry.text)
    out = io.StringIO()
    cells = (entry.session_id, entry.seq, moment, *said, entry.message_id, entry.visitor_id)
    csv.writer(out).writerow([guarded(cell) for cell in cells])
    return out.getvalue().encode()


def guarded(cell: Any) -> str:
    """The cell as text that no spreadsheet runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text
