"""Whether the server may lose acknowledged messages: docs/decisions/redis.md."""

import time

from backends.errors import StorageError
from backends.redis import RedisSettings
from backends.redis.connect import connect
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import Command

CLOCK_SECONDS = 1.0
"""A difference of clocks from which on idle times and leases are no longer what they say."""
MEMORY_PART = 0.9
"""The part of `maxmemory` from which on writes will soon be refused."""
LAG_SECONDS = 5


async def diagnose(options: RedisSettings, deadline: float) -> list[str]:
    """An eviction policy that drops keys, no append-only file, full memory, a replica behind, a clock that differs.

    Raises as `open_store`.
    """
    client = RedisClient(await connect(options.url, deadline), deadline)
    try:
        return await problems(client, Keys(options.prefix).sites(), options.wait_replicas)
    finally:
        await client.close()


async def problems(client: RedisClient, key: str, wait_replicas: int) -> list[str]:
    """Ask the node of `key`. A server that forbids a command is not judged by it."""
    found: list[str] = []
    try:
        info: bytes = await client.one(Command(key, ("INFO",)))
        found += losses(info.decode(), wait_replicas)
        seconds, micros = await client.one(Command(key, ("TIME",)))
    except StorageError:
        return found
    ahead = int(seconds) + int(micros) / 1_000_000 - time.time()
    if abs(ahead) > CLOCK_SECONDS:
        found.append(f"the clock of the Redis server is {ahead:+.0f} s off this machine's")
    return found


def losses(info: str, wait_replicas: int = 0) -> list[str]:
    """The problems that the answer to INFO shows."""
    told = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    found = []
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(f"maxmemory-policy is {policy}, which drops conversations; expected noeviction")
    if told.get("aof_enabled") == "0":
        found.append("there is no append-only file, so a restart loses messages; expected `appendonly yes`")
    limit, used = int(told.get("maxmemory", 0)), int(told.get("used_memory", 0))
    if limit and used >= MEMORY_PART * limit:
        found.append(f"{100 * used // limit} % of maxmemory is used; at 100 % every message is refused")
    for status in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"):
        if told.get(status, "ok") != "ok":
            found.append(f"{status} is {told[status]}: Redis could not write to its disk")
    return found + _replicas(told, wait_replicas)


def _replicas(told: dict[str, str], wait_replicas: int) -> list[str]:
    replicas = [
        dict(part.split("=", 1) for part in value.split(","))
        for name, value in told.items()
        if name.startswith("slave") and name[5:].isdigit()
    ]
    found = [
        f"replica {replica['ip']}:{replica['port']} is {replica['lag']} s behind; a failover to it loses messages"
        for replica in replicas
        if int(replica["lag"]) >= LAG_SECONDS
    ]
    online = sum(replica["state"] == "online" for replica in replicas)
    if online < wait_replicas:
        found.append(f"{online} of wait_replicas: {wait_replicas} replicas are there, so no message is acknowledged")
    return found
