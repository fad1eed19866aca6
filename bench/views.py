"""The cost of a page view: the restore over HTTP alone, and with a socket that connects, joins and leaves."""

import functools
import os
from collections.abc import Sequence
from statistics import median

import msgspec
from msgspec.structs import replace

from bench.client import BadAnswer, Http, Socket
from bench.rounds import Sample, Work, interleaved, rates
from bench.servers import Server, missing, servers
from bench.table import Row, absent

LENGTHS = (0, 50, 200)
WORKERS = 32
BALANCED = 32
"""Enough connections for the kernel to split them about evenly between two processes."""
SECONDS = 1.0
VIEW = "page view, 50 messages"
URL = "http://localhost/demo/"


async def restores(rounds: int) -> list[Row]:
    """LeFlux, the peer, and the floor: a bare Tornado handler that sends the bytes of LeFlux's answer."""
    if why := missing():
        return [absent("restore", "LeFlux, peer", why)]
    rows: list[Row] = []
    with servers() as started:
        leflux, peer = await started.leflux(), await started.peer()
        paths = {length: [await _path(server, length) for server in (leflux, peer)] for length in LENGTHS}
        bare = await started.bare({str(length): await _once(leflux, paths[length][0]) for length in LENGTHS})
        for length in LENGTHS:
            asked = zip((leflux, peer, bare), (*paths[length], f"/{length}"), strict=True)
            works = [await _restoring(server, path, length) for server, path in asked]
            samples = await interleaved(works, rounds, SECONDS)
            what = f"restore of {length}"
            rows += rates(what, works, samples, "peer")
            rows.append(rates(what, works[::2], samples[::2], "bare Tornado")[0])
    return rows


async def two_processes(rounds: int) -> list[Row]:
    """The gain of a second process, which competes with the generator and Redis for two cores."""
    what = "restore of 50, processes"
    if why := missing():
        return [absent(what, "LeFlux", why)]
    with servers() as started:
        compared = [await started.leflux(processes=2), await started.leflux()]
        works = [await _restoring(server, await _path(server, 50), 50, BALANCED) for server in compared]
        before = compared[0].shares()
        samples = await interleaved(works, rounds, SECONDS)
        took = [now - then for now, then in zip(compared[0].shares(), before, strict=True)]
    rows = rates(what, works, samples, "LeFlux")
    return [_scaled(rows[0], samples[0], samples[1], took[1:]), rows[1]]


def _scaled(line: Row, two: Sequence[Sample], one: Sequence[Sample], took: list[float]) -> Row:
    """`line` with an estimate from the processor time: the rate of two cores that nothing else uses."""
    each = median(alone.cpu / both.cpu for alone, both in zip(one, two, strict=True))
    busy = median(sample.rate * (sample.cpu + sample.store) / 1e6 + sample.client for sample in two)
    note = (
        f"{line.note}; with a core for each process {2 * each:.2f} times by processor time; "
        f"the busier one did {max(took) / sum(took):.0%}; {busy:.1f} of {os.cpu_count()} cores in use by all"
    )
    return replace(line, note=note)


async def page_views(rounds: int) -> list[Row]:
    """Restore, connect, join, leave. Each worker is a visitor with a kept HTTP connection."""
    if why := missing():
        return [absent(VIEW, "LeFlux, peer", why)]
    with servers() as started:
        works = [await _viewing(await started.leflux()), await _viewing(await started.peer())]
        return rates(VIEW, works, await interleaved(works, rounds, SECONDS * 1.5), "peer")


async def _path(server: Server, length: int) -> str:
    return f"/api/session/{await server.session(length)}"


async def _once(server: Server, path: str) -> bytes:
    http = await Http.open(server.port)
    answer = await http.post(path, b"{}")
    http.close()
    return answer


async def _restoring(server: Server, path: str, length: int, workers: int = WORKERS) -> Work:
    answer = await _once(server, path)
    if len(msgspec.json.decode(answer)["history"]) != length:
        raise BadAnswer(answer[:500])
    clients = [await Http.open(server.port) for _ in range(workers)]
    return Work(server, [functools.partial(_restore, client, path) for client in clients])


async def _restore(client: Http, path: str) -> None:
    await client.post(path, b'{"url":"http://localhost/demo/"}')


async def _viewing(server: Server) -> Work:
    sessions = [await server.session(50) for _ in range(WORKERS)]
    clients = [await Http.open(server.port) for _ in range(WORKERS)]
    pairs = zip(clients, sessions, strict=True)
    return Work(server, [functools.partial(_view, server, client, session) for client, session in pairs])


async def _view(server: Server, client: Http, session_id: str) -> None:
    await _restore(client, f"/api/session/{session_id}")
    socket = await Socket.open(server.port, {"sessionId": session_id, "url": URL, "since": 50})
    await socket.leave()
