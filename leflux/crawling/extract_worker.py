"""The process that reads pages for a crawl: `python -m leflux.crawling.extract_worker`.

Each page is read from standard input and its `Extract` written to standard output, both as MessagePack behind their
length. The process runs at a low priority; it ends with its input, and by itself when a page takes too much of the
processor. Time by the clock would count against a page what a busy machine does besides.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import msgspec

from leflux.crawling.extract import Extract, Unreadable, extract

HEAD = 4
PRIORITY = 10


class Page(msgspec.Struct, array_like=True, frozen=True):
    """What is to be read."""

    body: bytes
    url: str
    charset: str | None
    seconds: float
    """Processor time that it may take."""


class ReadPage(msgspec.Struct, frozen=True):
    """The answer: a page as read, or why it cannot be."""

    extract: Extract | None = None
    problem: str = ""


def framed(message: Any) -> bytes:
    """A message behind its length."""
    encoded = msgspec.msgpack.encode(message)
    return len(encoded).to_bytes(HEAD, "big") + encoded


def read(page: Page) -> ReadPage:
    try:
        return ReadPage(extract(page.body, page.url, page.charset))
    except Unreadable as error:
        return ReadPage(problem=str(error))
    except Exception as error:
        return ReadPage(problem=f"cannot be read: {error!r}"[:200])


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Read pages until there are no more."""
    while len(head := source.read(HEAD)) == HEAD:
        page = msgspec.msgpack.decode(source.read(int.from_bytes(head, "big")), type=Page)
        signal.setitimer(signal.ITIMER_PROF, page.seconds)
        answer = read(page)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(framed(answer))
        sink.flush()


if __name__ == "__main__":
    # Ctrl-C reaches the whole group of processes; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(PRIORITY)
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
