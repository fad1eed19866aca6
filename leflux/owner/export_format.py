"""The lines of an export: JSON, or cells for a spreadsheet."""

import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from backends.records import LogEntry

Format = Literal["jsonl", "csv"]
Naming = Callable[[str], str]
"""Session id -> conversation id."""

COLUMNS = ("conversationId", "seq", "time", "role", "kind", "text", "messageId", "visitorId")
CHUNK = 64 * 1024
_BOM = "\ufeff"
# The characters that begin a formula, also as full-width forms and behind what a spreadsheet skips.
_FORMULA = "=+\\-@\u2212\uff1d\uff0b\uff0d\uff20"
_SKIPPED = r"\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\"'`\u2018\u2019\u201c\u201d\uff02\uff07"
_SEPARATORS = r",;|\uff0c\uff1b"
_LEADING = re.compile(rf"[\t\r\n]|[{_SKIPPED}{_SEPARATORS}]*[{_FORMULA}]")
# Where the list separator is not a comma, a spreadsheet also begins a cell behind one of these.
_WITHIN = re.compile(rf"([;|\t\r\n\uff1b])(?=[{_SKIPPED}]*[{_FORMULA}])")


async def export_chunks(entries: AsyncIterator[LogEntry], kind: Format, name: Naming) -> AsyncGenerator[bytes, None]:
    """The whole export in pieces of about `CHUNK` bytes; holds one piece in memory."""
    line: Callable[[LogEntry, Naming], bytes] = csv_line if kind == "csv" else json_line
    chunk = bytearray((_BOM + ",".join(COLUMNS) + "\r\n").encode() if kind == "csv" else b"")
    async for entry in entries:
        chunk += line(entry, name)
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def json_line(entry: LogEntry, name: Naming) -> bytes:
    """The stored message, behind its conversation and visitor."""
    head = msgspec.json.encode({"conversationId": name(entry.session_id), "visitorId": entry.visitor_id})
    return head[:-1] + b"," + entry.body[1:] + b"\n"


def csv_line(entry: LogEntry, name: Naming) -> bytes:
    moment = datetime.fromtimestamp(entry.ts / 1000, UTC).isoformat(timespec="milliseconds")
    said = (entry.role, entry.kind, entry.text)
    out = io.StringIO()
    cells = (name(entry.session_id), entry.seq, moment, *said, entry.message_id, entry.visitor_id)
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([guarded(cell) for cell in cells])
    return out.getvalue().encode()


def guarded(cell: Any) -> str:
    """The cell as text in which no spreadsheet finds a formula: an apostrophe stands before each possible one."""
    text = "" if cell is None else str(cell)
    inside = _WITHIN.sub(r"\1'", text)
    return f"'{inside}" if _LEADING.match(text) else inside
