"""Nobody's flood: beside each kind of attacker every honest message is answered, and the server's memory stays flat.

Nothing is timed here; `python -m bench --rows flood` measures.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from bench.flooders import KINDS, SIBLINGS
from tests.security.target import Target
from tests.security.wire import RawSocket
from tests.services.server import ROOT

ATTACKERS = 10
MESSAGES = 25
MEMORY = 60_000_000
"""Bytes that a flood of ten attackers may cost while it lasts."""
HASHES = 2 * 64 * 1024 * 1024
"""What the two passwords that are checked at a time take besides."""
LIMITED = {
    "pongs": "close 1008", "fragments": "close 1008", "pings": "close 1008", "noops": "close 1008",
    "unknown events": "close 1008", "contexts": "rate_limited", "guesses": "429",
    "mixed": "close 1008", "namespaces": "close 1008", "attachments": "close 1008", "starts": "429",
    "acknowledgements": "close 1008",
}  # fmt: skip
"""What the attackers must have heard in the end. A slow machine never gets to the limit of joins."""


class Flood:
    """What the attackers have heard so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.seen: dict[str, int] = {}

    def listen(self) -> None:
        """Wait for their next report, which comes several times a second."""
        assert self._process.stdout is not None
        self.seen = json.loads(self._process.stdout.readline())


@contextmanager
def flooded(target: Target, kind: str) -> Iterator[Flood]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.flooders", str(target.port), kind, str(ATTACKERS)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    flood = Flood(process)
    try:
        flood.listen()
        yield flood
    finally:
        process.kill()
        process.communicate()


def talk(socket: RawSocket, session_id: str, count: int) -> None:
    """Say so many messages, each after the answer to the one before."""
    for number in range(count):
        message = {"sessionId": session_id, "clientMessageId": str(uuid4()), "text": f"honest {number}"}
        answer = socket.ask("send_message", message)
        assert answer["ok"], answer


@pytest.mark.parametrize("kind", [*KINDS, *SIBLINGS])
def test_honest_messages_are_answered_beside_a_flood(attacked: Target, kind: str) -> None:
    sessions = [attacked.session() for _ in range(2)]
    with attacked.socket() as early, attacked.socket() as late:
        assert early.connect().ask("join_session", sessions[0])["ok"]
        with flooded(attacked, kind) as flood:
            talk(early, sessions[0], MESSAGES)
            before = attacked.memory()
            # Somebody who comes during the flood gets in, too.
            assert late.connect().ask("join_session", sessions[1])["ok"]
            talk(late, sessions[1], MESSAGES)
            assert attacked.call("GET", "/health").status == 200
            assert attacked.memory() - before < MEMORY + (HASHES if kind == "sign-ins" else 0)
            while kind in LIMITED and LIMITED[kind] not in flood.seen:
                flood.listen()
        talk(early, sessions[0], 3)
