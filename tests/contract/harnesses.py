"""The servers behind shipped stores, as the fault tests of the suite want them: one for each test, to be spoiled."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from backends import StoreSettings
from backends.postgres import PostgresSettings
from backends.redis import RedisSettings
from leflux.contract.harness import DEADLINE, StoreHarness
from tests.services.postgres import PostgresServer, running
from tests.services.redis import RedisServer


class RedisHarness(StoreHarness):
    """A Redis that flushes before every answer."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="leflux-redis-")))
        self._server = RedisServer(self._folder)
        self._stack.callback(self._server.close)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._stack.close()

    def settings(self, folder: Path, tag: str) -> StoreSettings:
        return StoreSettings("redis", RedisSettings(url=self._server.url, prefix=f"{tag}:"), DEADLINE)

    def kill(self) -> None:
        self._server.kill()

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    def cut(self) -> None:
        self._server.cli("CLIENT", "KILL", "TYPE", "normal")


class PostgresHarness(StoreHarness):
    """A PostgreSQL that flushes before every answer."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: PostgresServer | None = None

    @property
    def server(self) -> PostgresServer:
        assert self._server is not None
        return self._server

    def start(self) -> None:
        if self._server is None:
            self._server = self._stack.enter_context(running())
        else:
            self._server.start()

    def stop(self) -> None:
        self._stack.close()

    def settings(self, folder: Path, tag: str) -> StoreSettings:
        schema = f"t_{tag.replace('-', '_')}"
        return StoreSettings("postgres", PostgresSettings(url=self.server.url, schema=schema), DEADLINE)

    def kill(self) -> None:
        self.server.kill()

    def freeze(self) -> None:
        self.server.freeze()

    def thaw(self) -> None:
        self.server.thaw()

    def cut(self) -> None:
        self.server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leflux'")
