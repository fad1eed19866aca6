"""Real PostgreSQL: a server that can be killed, frozen and started again on its data. It never runs as root."""

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from tests.services import absent, lasting_port
from tests.services.find import is_root, postgres_programs
from tests.services.redis import PATIENCE, wait_for

ROLE = "leflux"
NOBODY = 65_534


class PostgresServer:
    """One server on a free port, with its socket in the folder of its data. `ROLE` is its superuser."""

    def __init__(self, folder: Path, *options: str, encoding: str = "UTF8") -> None:
        self.port = lasting_port()
        self._folder = folder
        self._options = options
        self._encoding = encoding
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _user() if is_root() else None

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str, role: str = ROLE) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def section(self) -> dict[str, Any]:
        """A `storage` section with data of its own."""
        return {"backend": "postgres", "postgres": {"url": self.url, "schema": f"f_{uuid4().hex[:8]}"}}

    def bus_at(self, port: int) -> str:
        """The `bus` that leads here through a proxy on `port`."""
        return f"postgresql://{ROLE}@127.0.0.1:{port}/postgres"

    def listeners(self) -> int:
        """How many processes listen on a bus."""
        return len(self.ask(f"SELECT 1 FROM pg_stat_activity WHERE {_LISTENS}"))

    def end_listeners(self) -> int:
        """End the connection of every subscription; how many there were."""
        return len(self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_LISTENS}"))

    def holds(self, needle: bytes, database: str = "postgres") -> bool:
        """Whether a row of any table has these bytes, as text or as bytes."""
        tables = self.ask("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables", database)
        found = f"position('{needle.decode()}' IN t::text) > 0 OR position('{needle.hex()}' IN t::text) > 0"
        return any(
            self.ask(f"SELECT 1 FROM {table} t WHERE {found} LIMIT 1", database)
            for (table,) in tables
            if not str(table).startswith(("pg_catalog", "information_schema"))
        )

    def start(self) -> None:
        """Start on the folder's data, which is made when it is absent, and wait until it answers."""
        data = self._folder / "data"
        if not data.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._user is not None:
                os.chown(self._folder, self._user, self._user)
            made = self._popen("initdb", "-D", str(data), "-U", ROLE, "-A", "trust", "-E", self._encoding, *_INITDB)
            assert made.wait(PATIENCE) == 0
        listen = ("-p", str(self.port), "-k", str(self._folder), "-c", "listen_addresses=127.0.0.1")
        self._process = self._popen("postgres", "-D", str(data), *listen, *_SMALL, *self._options)
        wait_for(self._answers, f"PostgreSQL on port {self.port} answers")

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        folder = postgres_programs()
        if folder is None:
            absent("PostgreSQL")
        return subprocess.Popen(
            [f"{folder}/{program}", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL on port {self.port} has exited with {self._process.returncode}")
        try:
            self.ask("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def ask(self, statement: str, database: str = "postgres") -> Sequence[tuple[object, ...]]:
        """The rows of one statement."""
        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description is not None else []

    def kill(self) -> None:
        """`kill -9` of the server and of every process of it."""
        assert self._process is not None
        # Stopped, it makes no further processes; killed, it would no longer be known as their parent.
        os.kill(self._process.pid, signal.SIGSTOP)
        children = self._children()
        for process in (self._process.pid, *children):
            _send(process, signal.SIGKILL)
        self._process.wait(PATIENCE)
        wait_for(lambda: not any(map(_lives, children)), "the processes of the server are gone")

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        for child in self._children():
            _send(child, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        for process in (*self._children(), self._process.pid):
            _send(process, signal.SIGCONT)

    def _children(self) -> list[int]:
        assert self._process is not None
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(child) for child in found.split()]

    def close(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        self._free_memory()

    def _free_memory(self) -> None:
        """A server that was killed leaves its shared memory, whose id is in its lock file."""
        lock = self._folder / "data" / "postmaster.pid"
        if lock.exists():
            *_, found = lock.read_text().splitlines()[6].split()
            subprocess.run(["ipcrm", "-m", found], check=False, capture_output=True)


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


_LISTENS = "application_name = 'leflux bus'"
_INITDB = ("--locale=C", "--no-sync", "--no-instructions")
_SMALL = ("-c", "shared_buffers=32MB", "-c", "max_connections=200")


def _user() -> int:
    """The account of Debian's package, or nobody's."""
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return NOBODY


@contextmanager
def running(*options: str, encoding: str = "UTF8") -> Iterator[PostgresServer]:
    """A server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="leflux-postgres-") as folder:
        server = PostgresServer(Path(folder) / "server", *options, encoding=encoding)
        os.chmod(folder, 0o755)
        try:
            server.start()
            yield server
        finally:
            server.close()


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A server whose data is not flushed to the disk: no test cuts the power."""
    with running("-c", "fsync=off") as server:
        yield server
