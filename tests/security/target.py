"""The server that the whole suite attacks: one process for each store, with an owner and two sites."""

import itertools
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from backends import StoreSettings, find_store
from tests.security.wire import ORIGIN, RawSocket, Reply, ask, request
from tests.services import free_port
from tests.services.config import embedded
from tests.services.redis import redis, wait_for
from tests.services.server import ROOT

PROXY = "127.0.0.9"
"""The address of the one proxy that the server trusts."""
NGINX = "127.0.0.1"
_TOKEN = ("create-admin", "shop@shop.test", "--site", "shop", "--token")
SITES: list[dict[str, Any]] = [
    {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test", "127.0.0.1"]},
    {"id": "other", "name": "Other", "allowed_hosts": ["other.test"]},
    {"id": "strict", "name": "Strict", "allowed_hosts": ["strict.test"], "subdomains": False},
    {"id": "books", "name": "Books", "allowed_hosts": ["bücher.test"]},
]


class Target:
    """What a test attacks. Every call may come from an address of its own, so that no limit of another test counts."""

    def __init__(self, port: int, pid: int, log: Path, token: str) -> None:
        self.port = port
        self.pid = pid
        self.log = log
        self.token = token
        """Of the owner of the site `shop`."""
        self._numbers = itertools.count(1)

    def address(self) -> str:
        """A loopback address that nobody has used yet."""
        number = next(self._numbers)
        return f"127.1.{number // 250}.{1 + number % 250}"

    def ask(self, raw: bytes, address: str | None = None) -> Reply:
        return ask(self.port, raw, address or self.address())

    def call(self, method: str, path: str, body: Any = None, *headers: str, **options: Any) -> Reply:
        """A visitor's call."""
        address = options.pop("address", None)
        return self.ask(request(method, path, *headers, body=_encode(body), **options), address)

    def account(self) -> tuple[str, str]:
        """E-mail and password of the account that sees every site, from the box of the first start."""
        found = re.search(r"(admin@localhost) +(\S+)", self.log.read_text("utf-8", "replace"))
        assert found is not None
        return found[1], found[2]

    def owner(self, method: str, path: str, body: Any = None) -> Reply:
        """A call of the owner's API with the token of one site's owner."""
        token = f"Authorization: Bearer {self.token}"
        return self.ask(request(method, f"/api/admin{path}", token, body=_encode(body), origin=None))

    def session(self, origin: str = ORIGIN, **fields: Any) -> str:
        reply = self.call("POST", "/api/session/init", {"websiteUrl": f"{origin}/"} | fields, origin=origin)
        assert reply.status == 200, reply.body
        session_id: str = reply.json()["sessionId"]
        return session_id

    def say(self, session_id: str, text: str, address: str | None = None, **fields: Any) -> Reply:
        body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text} | fields
        return self.call("POST", "/api/chat", body, address=address)

    def messages(self, session_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/api/session/{session_id}/messages").json()["messages"]
        return found

    def erased(self) -> str:
        """The id of a session that was erased."""
        session_id = self.session()
        assert self.call("DELETE", f"/api/session/{session_id}").status == 200
        return session_id

    def socket(self, *headers: str, address: str | None = None, **options: Any) -> RawSocket:
        return RawSocket(self.port, address or self.address(), *headers, **options)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "/api/stats").json()
        return found

    def memory(self) -> int:
        """Resident bytes of the server."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    def work(self) -> float:
        """Seconds that the server's event loop has had a processor."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9


def _encode(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


def _stored(backend: str, folder: Path, stack: ExitStack) -> StoreSettings:
    if backend == "redis":
        return StoreSettings(backend, find_store(backend).options(url=stack.enter_context(redis()).url))
    return embedded(backend, folder / "leflux.db")


@contextmanager
def target(backend: str, folder: Path, descriptors: int | None = None, **limits: int) -> Iterator[Target]:
    """A running server with `limits` instead of the usual ones; its log must hold no traceback at the end.

    `descriptors`: how many files and sockets it may have open.
    """
    port, log = free_port(), folder / "server.log"
    with ExitStack() as stack:
        tree = {
            "server": {"host": "127.0.0.1", "port": port, "trusted_proxies": [PROXY, NGINX]},
            "storage": _stored(backend, folder, stack).section(),
            "limits": limits,
            "agent": {"kind": "echo"},
            "demo": {"enabled": True},
            "sites": SITES,
        }
        config = folder / "leflux.yaml"
        config.write_text(yaml.safe_dump(tree))
        with log.open("wb") as out:
            server = subprocess.Popen(
                [sys.executable, "run.py", "--config", str(config)],
                cwd=ROOT,
                stdout=out,
                stderr=out,
                preexec_fn=None if descriptors is None else partial(_limit_files, descriptors),
            )
        stack.callback(_end, server)
        wait_for(lambda: _is_ready(port), f"the server is ready; its log is {log}")
        # Commands have nothing to work on in memory.
        made = "" if backend == "memory" else _run(config, *_TOKEN).split()[-1]
        yield Target(port, server.pid, log, made)
        assert server.poll() is None, "the server has died"
        assert "Traceback" not in log.read_text("utf-8", "replace"), log.read_text("utf-8", "replace")[-5_000:]


def _limit_files(descriptors: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def _run(config: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "run.py", "--config", str(config), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _is_ready(port: int) -> bool:
    try:
        return ask(port, request("GET", "/ready"), "127.0.0.1").status == 200
    except OSError:
        return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.kill()
    server.wait(30)
