"""Server memory for each idle socket that has joined its session."""

from bench.servers import Server, join, missing, servers
from bench.table import Row, absent

WARM = 200


async def idle(sockets: int) -> list[Row]:
    """Resident memory for each socket, without the first ones, which load what every server loads once."""
    what = f"idle joined socket, {sockets:,}"
    if why := missing():
        return [absent(what, "LeFlux, peer", why)]
    with servers() as started:
        leflux = await _per_socket(await started.leflux(), sockets)
        peer = await _per_socket(await started.peer(), sockets)
    note = "resident memory; the peer's after a forced collection"
    against = "of the peer's memory"
    return [
        Row(what, "LeFlux", leflux, "kB", ratio=leflux / peer, against=against, note=note),
        Row(what, "peer", peer, "kB", note=note),
    ]


async def _per_socket(server: Server, count: int) -> float:
    sessions = await server.sessions(WARM + count)
    opened = [await join(server, session_id) for session_id in sessions[:WARM]]
    server.collect()
    before = server.memory()
    opened += [await join(server, session_id) for session_id in sessions[WARM:]]
    server.collect()
    taken = server.memory() - before
    for socket in opened:
        socket.close()
    return taken / count / 1000
