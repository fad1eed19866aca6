"""The official Firestore emulator: a process on a free port, killed together with its children."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.cloud.firestore import Client

from tests.services import absent, free_port
from tests.services.find import firestore_jar

ENVIRONMENT = "FIRESTORE_EMULATOR_HOST"
_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_START_SECONDS = 90


class Emulator:
    """One emulator; `start` again after `kill` is a new, empty one on the same port."""

    def __init__(self, jar: str, folder: Path, *options: str) -> None:
        self._jar = jar
        self._options = options
        self._output = folder / "emulator.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        command = ["java", "-Xmx768m", "-XX:+UseSerialGC", "-cp", self._jar, _MAIN, "start"]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--host=127.0.0.1", f"--port={self.port}", *self._options],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self._output.parent,
                start_new_session=True,
            )
        limit = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                self.kill()
                pytest.fail(f"the Firestore emulator does not start: {self._output.read_text()[-2000:]}")
            time.sleep(0.1)
        self._warm_up()

    def _warm_up(self) -> None:
        """Make the first calls, which load classes and are slow, before a test's deadline runs."""
        with named(self.address):
            client = Client(project="leflux")
        try:
            document = client.document("warm/up")
            document.set({"n": 1}, timeout=_START_SECONDS)
            document.get(timeout=_START_SECONDS)
            list(client.collection("warm").limit(1).stream(timeout=_START_SECONDS))
            document.delete(timeout=_START_SECONDS)
        finally:
            client._firestore_api.transport.close()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return probe.recv(15).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole process group."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def emulator(*options: str) -> Iterator[Emulator]:
    """A running emulator; the test is skipped, or fails in CI, where there is none."""
    jar = firestore_jar()
    if jar is None:
        absent("the Firestore emulator")
    assert jar is not None
    with tempfile.TemporaryDirectory() as folder:
        running = Emulator(jar, Path(folder), *options)
        running.start()
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def named(address: str) -> Iterator[None]:
    """Set `FIRESTORE_EMULATOR_HOST` within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, address)
        yield
