"""A real nginx that runs the file of `deploy/` in front of servers under test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.services import absent, free_port
from tests.services.find import nginx
from tests.services.server import ROOT
from tests.services.wait import until

DEPLOYED = ROOT / "deploy" / "nginx.conf"
SUBPATH = DEPLOYED.with_name("nginx-subpath.conf")
EXAMPLES = ("10.0.0.11:8080", "10.0.0.12:8080")
_FRAME = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/leflux.conf;
}}
"""


@asynccontextmanager
async def proxied(folder: Path, ports: Sequence[int]) -> AsyncIterator[int]:
    """nginx in front of the servers on these two ports; yields its own port."""
    port = free_port()
    text = DEPLOYED.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    for example, target in zip(EXAMPLES, ports, strict=True):
        assert text.count(example) == 2
        text = text.replace(example, f"127.0.0.1:{target}")
    async with _running(folder, text.replace("/var/log/nginx/", f"{folder}/"), port):
        yield port


@asynccontextmanager
async def below_a_path(folder: Path, server: int, keeps_path: bool = False) -> AsyncIterator[int]:
    """nginx that serves a site of its own, and LeFlux below `/chat/`; yields its port.

    `keeps_path`: with the changes that the file names for `server.base_path`.
    """
    port, text = free_port(), SUBPATH.read_text()
    assert text.count("127.0.0.1:8080") == 1
    if keeps_path:
        for now, then in (("127.0.0.1:8080/;", "127.0.0.1:8080;"), ("(api/admin|dashboard|", "(")):
            assert text.count(now) == 1
            text = text.replace(now, then)
    (folder / "subpath.conf").write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{server}"))
    site = f"server {{ listen 127.0.0.1:{port}; include {folder}/subpath.conf; }}"
    async with _running(folder, site, port):
        yield port


@asynccontextmanager
async def _running(folder: Path, text: str, port: int) -> AsyncIterator[None]:
    program = nginx()
    if program is None:
        absent("nginx")
    (folder / "leflux.conf").write_text(text)
    (folder / "nginx.conf").write_text(_FRAME.format(folder=folder))
    process = await asyncio.create_subprocess_exec(
        str(program), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")
    )
    try:
        await until(lambda: _answers(port), f"nginx answers; its log is {folder}/error.log")
        yield
    finally:
        process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
