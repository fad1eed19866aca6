"""`python -m tests.faults.planted`: mistakes that are planted in a copy of the server; the checker must find each.

A checker that finds none of them would be no evidence.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from tests.faults.runner import run_seed
from tests.services.server import ROOT

SEEDS = 10
WIDGET, PAGES = Path("leflux/widget/dist"), Path("leflux/dashboard/dist")


class Mistake(Struct, frozen=True):
    """`changes`: file, text there once, text in its place."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    set_up: str = "sqlite"


_ROWS, _WRITER, _SERVICE = "backends/sqlite/rows.py", "backends/sqlite/writer_thread.py", "leflux/chat/service.py"
_COMMIT = '            self._connection.execute("COMMIT")\n'
_EARLY = (
    "            for call in batch:\n                call.loop.call_soon_threadsafe(_resolve, [call])\n"
    '            __import__("time").sleep(0.2)\n'
)

MISTAKES = (
    Mistake("acknowledged before the commit", ((_WRITER, _COMMIT, _EARLY + _COMMIT),)),
    Mistake(
        "no idempotency key",
        (
            (_ROWS, "    if draft.client_message_id is None:\n        return None\n", "    return None\n"),
            (_ROWS, "INSERT INTO keys (num", "INSERT OR REPLACE INTO keys (num"),
        ),
    ),
    Mistake("no fence on append", ((_ROWS, "    fence(row.session, epoch)\n    seq =", "    seq ="),)),
    Mistake("another text under a known key", ((_SERVICE, "fingerprint=hashlib", "fingerprint=None and hashlib"),)),
    Mistake(
        "a gap in seq", ((_ROWS, "seq = row.session.seq + 1\n", "seq = row.session.seq + 1 + (now_ms() % 5 == 0)\n"),)
    ),
    Mistake("an acknowledgement with another seq", ((_SERVICE, "Sent(stored.id, stored.seq,", "Sent(stored.id, 1,"),)),
    Mistake(
        "a stored text that nobody said",
        ((_SERVICE, 'role="visitor", text=request.text,', 'role="visitor", text=request.text[:-1],'),),
    ),
    Mistake("a log line that is left out", ((_ROWS, "    if draft.logged:\n", "    if draft.logged and seq % 9:\n"),)),
    Mistake(
        "a stale restore",
        ((_SERVICE, "list(map(Raw, found[:limit]))", "list(map(Raw, found[: len(found) - (len(found) % 3 == 0)]))"),),
    ),
    Mistake(
        "a deletion that is told and not done",
        (
            (
                "backends/sqlite/sessions.py",
                "erased = purge(db, ref, tombstone, bury_absent)",
                "erased = Erased(1, 1)",
            ),
        ),
    ),
    Mistake(
        "no tombstone",
        ((_ROWS, "INSERT OR REPLACE INTO tombstones (id, site, until) VALUES (?, ?, ?)", "SELECT ?, ?, ?"),),
    ),
    Mistake(
        "orphaned questions are left",
        (
            ("leflux/runtime/sweeper.py", "self._answering.wake(name.site_id, name.session_id)", "pass"),
            ("leflux/chat/joining.py", "self._ports.answering.wake(ref.site_id, ref.session_id)", "pass"),
        ),
    ),
    Mistake(
        "a reply under a new key each time",
        ((_SERVICE, 'return f"{INTERNAL_ID}reply:{question_seq}"', 'return f"{INTERNAL_ID}reply:{uuid4()}"'),),
        "redis-2",
    ),
)


def main() -> int:
    """Look for each mistake with up to ten seeds; exits with 1 when one was not found."""
    parser = argparse.ArgumentParser(prog="planted", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each seed runs; default: 15")
    parser.add_argument("--only", default="", help="a part of the names")
    options = parser.parse_args()
    chosen = [mistake for mistake in MISTAKES if options.only in mistake.name]
    found = [asyncio.run(is_found(mistake, options.seconds)) for mistake in chosen]
    print(f"{sum(found)} of {len(found)} planted mistakes were found")
    return 0 if all(found) else 1


async def is_found(mistake: Mistake, seconds: float) -> bool:
    """Whether a seed shows a violation in a server that has the mistake."""
    with TemporaryDirectory(prefix="leflux-planted-") as folder:
        root = copied(Path(folder) / "checkout")
        plant(mistake, root)
        for seed in range(1, SEEDS + 1):
            outcome = await run_seed(mistake.set_up, seed, seconds, Path(folder), root)
            if outcome.violations:
                print(f"found in seed {seed}: {mistake.name}\n    {outcome.violations[0]}", flush=True)
                return True
    print(f"NOT FOUND: {mistake.name}", flush=True)
    return False


def copied(root: Path) -> Path:
    """A copy of this checkout's server, with the built pages."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "run.py", "leflux", "backends", "config", "docs"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in files.stdout.decode().split("\0"):
        if name and "/widget/" not in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    for built in (WIDGET, PAGES):
        if (ROOT / built).is_dir():
            shutil.copytree(ROOT / built, root / built)
    return root


def plant(mistake: Mistake, root: Path) -> None:
    """Change the copy. Raises `ValueError` when the code does not have the text that the mistake replaces, once."""
    for name, text, change in mistake.changes:
        source = (root / name).read_text()
        if source.count(text) != 1:
            raise ValueError(f"{mistake.name}: {name} has {source.count(text)} times {text!r}")
        (root / name).write_text(source.replace(text, change))


if __name__ == "__main__":
    sys.exit(main())
