"""Connects to the servers of a URL: one server, the master that Sentinel names, or a cluster.

The driver never retries: after a lost reply its retry would run the command a second time.
"""

import asyncio
from collections.abc import Hashable
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisClusterException, RedisError, ResponseError

from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.redis.errors import translate
from backends.redis.node_pipeline import Node, Nodes

_SENTINEL, _CLUSTER = "sentinel", "cluster"
# This client depends on these options. The driver would let a URL override them.
_OURS = {"decode_responses", "protocol", "retry_on_error", "retry_on_timeout", "socket_timeout"}
_WRONG_LOGIN = ("NOAUTH", "WRONGPASS", "NOPERM", "invalid username-password", "without any password configured")

_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs")


async def connect(url: str, deadline: float) -> Nodes:
    """Reach the servers of the URL. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    try:
        parts = urlsplit(url)
        base, _, kind = parts.scheme.partition("+")
        if base not in ("redis", "rediss") or kind not in ("", _SENTINEL, _CLUSTER) or not parts.netloc:
            raise ValueError(f"{parts.scheme or 'no scheme'} is none of redis, rediss, redis+sentinel, redis+cluster")
        nodes = _nodes(url, parts, kind, deadline)
    except (ValueError, RedisError) as error:
        raise StoreMisconfigured(f"storage.redis.url: {error}") from error
    try:
        async with asyncio.timeout(deadline):
            await nodes.start()
    except BaseException as error:
        await nodes.close()
        raise _startup_error(error, deadline) from error
    return nodes


def _nodes(url: str, parts: SplitResult, kind: str, deadline: float) -> "_Single | _Cluster":
    options = _options(deadline)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if taken := sorted(_OURS & query.keys()):
        raise ValueError(f"{taken[0]} cannot be chosen")
    if kind == "":
        return _Single(Redis.from_url(url, **options))
    hosts = _hosts(parts.netloc)
    options |= _login(parts)
    if parts.scheme.startswith("rediss"):
        options |= {"ssl": True} | {name: query[name] for name in _TLS if name in query}
    if kind == _CLUSTER:
        return _Cluster(RedisCluster(startup_nodes=[ClusterNode(*host) for host in hosts], **options), deadline)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("a Sentinel URL names the service: redis+sentinel://host:26379/service/0")
    login = {name: query[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in query}
    sentinel = Sentinel(hosts, sentinel_kwargs=_options(deadline) | login)
    return _Single(sentinel.master_for(service, db=int(db or 0), **options), sentinel)


def _options(deadline: float) -> dict[str, Any]:
    # `socket_timeout` is None because a timer for each read is slow; the exchange as a whole has one (`CallBatch`).
    return {
        "socket_timeout": None,
        "socket_connect_timeout": deadline,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "decode_responses": False,
        "protocol": 2,
    }


def _hosts(netloc: str) -> list[tuple[str, int]]:
    found = []
    for place in netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{place}")
        if not one.hostname or one.port is None:
            raise ValueError(f"{place!r} is not host:port")
        found.append((one.hostname, one.port))
    return found


def _login(parts: SplitResult) -> dict[str, str]:
    name, _, password = parts.netloc.rpartition("@")[0].partition(":")
    given = {"username": unquote(name), "password": unquote(password)}
    return {key: value for key, value in given.items() if value}


def _startup_error(error: BaseException, deadline: float) -> BaseException:
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"no answer within {deadline} s")
    if isinstance(error, AuthenticationError | AuthorizationError) or any(sign in str(error) for sign in _WRONG_LOGIN):
        return StoreMisconfigured(f"storage.redis.url: {error}")
    if "luster mode is not enabled" in str(error) or "luster support disabled" in str(error):
        return StoreMisconfigured("storage.redis.url: the server is no cluster; use redis://")
    if isinstance(error, ResponseError):
        return StoreMisconfigured(f"storage.redis.url: {error}")
    if isinstance(error, RedisError | RedisClusterException | OSError):
        return translate(error)
    return error


class _Pool:
    """The connections of one server, or of whatever server Sentinel names as the master."""

    name: Hashable = "single"

    def __init__(self, client: Any) -> None:
        self._pool = client.connection_pool

    async def acquire(self) -> Any:
        return await self._pool.get_connection()

    async def release(self, connection: Any) -> None:
        await self._pool.release(connection)


class _Single:
    """One server, which has every key."""

    def __init__(self, client: Any, sentinel: Any = None) -> None:
        self._client = client
        self._sentinel = sentinel
        self._node = _Pool(client)

    async def start(self) -> None:
        await self._client.ping()
        with suppress(ResponseError):  # INFO may be forbidden; then a wrong URL shows at the first call.
            if (await self._client.info("cluster")).get("cluster_enabled"):
                raise StoreMisconfigured("storage.redis.url: the server is part of a cluster; use redis+cluster://")

    def of(self, key: str) -> Node:
        return self._node

    async def redirect(self, args: tuple[Any, ...]) -> Any:
        raise StoreUnavailable("the server has become part of a cluster")

    def suspect(self) -> None:
        """Do nothing: each new connection asks Sentinel for the master."""

    async def close(self) -> None:
        await self._client.aclose()
        await self._client.connection_pool.disconnect()
        for client in self._sentinel.sentinels if self._sentinel is not None else ():
            await client.aclose()


class _ClusterPool:
    """The connections of one node of a cluster."""

    def __init__(self, node: Any) -> None:
        self.name: Hashable = node.name
        self._node = node

    async def acquire(self) -> Any:
        connection = self._node.acquire_connection()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            self._node.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        self._node.release(connection)


class _Cluster:
    """A cluster: each key has its node. The driver follows a redirect and remembers it."""

    def __init__(self, client: Any, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._learning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._client.initialize()

    def of(self, key: str) -> Node:
        return _ClusterPool(self._client.nodes_manager.get_node_from_slot(self._client.keyslot(key)))

    async def redirect(self, args: tuple[Any, ...]) -> Any:
        return await self._client.execute_command(*args)

    def suspect(self) -> None:
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._learn())

    async def _learn(self) -> None:
        # The next call fails on the old map and reports it.
        with suppress(RedisError, RedisClusterException, OSError, TimeoutError):
            async with asyncio.timeout(self._deadline):
                await self._client.nodes_manager.initialize()

    async def close(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            with suppress(asyncio.CancelledError):
                await self._learning
        await self._client.aclose()
        # After an error the driver considers itself closed and leaves newer connections open.
        await self._client.nodes_manager.aclose()
        await self._client.nodes_manager.aclose("startup_nodes")
