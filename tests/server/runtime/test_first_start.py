"""What a person reads at the first start, from the real process with the configuration of `make run`."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from tests.services import free_port
from tests.services.server import ROOT
from tests.services.wait import until

ACCOUNT = re.compile(r"\|  admin@localhost +(\S+) +\|")


async def start_and_stop(folder: Path, last_line: str) -> str:
    """All that the process says on a pipe, from its start to its end, stopped once it has said `last_line`."""
    environment = os.environ | {"LEFLUX_DATA": str(folder), "LEFLUX_PORT": str(free_port())}
    log = folder / "said"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "run.py", cwd=ROOT, env=environment, stdout=out, stderr=out
        )
        try:
            await until(lambda: said_or_ended(log, process, last_line), f"the server says {last_line!r}")
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return log.read_text("utf-8")


def said_or_ended(log: Path, process: asyncio.subprocess.Process, text: str) -> bool:
    said = log.read_text("utf-8")
    assert process.returncode is None, said
    return text in said


async def test_the_account_is_shown_once_after_everything_else_and_then_what_to_try(tmp_path: Path) -> None:
    said = await start_and_stop(tmp_path, "Try: ask")
    lines = [line for line in said.splitlines() if line.strip()]
    assert re.fullmatch(r"  LeFlux starts: opening the store \(sqlite\) …", lines[0])
    assert any(re.match(r"  Start here +http://127.0.0.1:\d+/$", line) for line in lines)
    (password,) = ACCOUNT.findall(said)
    assert said.count(password) == 1
    box = next(place for place, line in enumerate(lines) if "shown this once" in line)
    assert [line[:3] for line in lines[box - 1 : box + 3]] == ["  +", "  |", "  |", "  +"]
    assert lines[box + 3] == (
        '  Try: ask "What does shipping cost?"; reload; open a second tab; stop me with Ctrl-C and start me again.'
    )
    assert lines[box + 4 :] == []
    ours = [line for line in lines if line.startswith("{")]
    assert [line for line in ours if '"level": "info"' not in line] == []
    assert not re.search(r"bm25s|lxml|warning|DEBUG|Traceback", said, re.IGNORECASE)
    again = await start_and_stop(tmp_path, "Embed")
    assert "shown this once" not in again
    assert password not in again
