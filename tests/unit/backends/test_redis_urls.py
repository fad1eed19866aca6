"""Redis URLs, and what a server's answers at the start mean."""

import asyncio

import pytest
from redis import exceptions

from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.redis import check_prefix, check_url
from backends.redis.connect import _startup_error, connect
from backends.redis.durability import losses
from backends.redis.errors import WrongType, is_broken, translate
from backends.redis.keys import Keys
from backends.redis.rows import log_entry


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://user:secret@redis.example.com",
        "redis+sentinel://one:26379,two:26379/leflux/0",
        "rediss+cluster://one:7000",
    ],
)
def test_a_url_of_each_kind_passes(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:6379", "http://host", "redis://", "redis://secret@", "redis://a b", "redis://[::1"]
)
def test_a_url_that_names_no_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="Expected a URL") as refused:
        check_url(url)
    assert "secret" not in str(refused.value)


def test_a_prefix_with_braces_is_refused() -> None:
    with pytest.raises(ValueError, match="without braces"):
        check_prefix("a{b")
    with pytest.raises(StoreMisconfigured, match="braces"):
        Keys("a}b")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://host", "none of redis"),
        ("redis+magic://host:1", "none of redis"),
        ("redis://host/0?retry_on_timeout=1", "retry_on_timeout cannot be chosen"),
        ("redis+sentinel://host:1", "names the service"),
        ("redis+sentinel://host/leflux", "is not host:port"),
        ("redis+cluster://host:x", "Port could not be cast"),
    ],
)
async def test_a_url_that_cannot_work_is_a_wrong_configuration(url: str, said: str) -> None:
    with pytest.raises(StoreMisconfigured, match=said):
        await connect(url, 1.0)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "rediss://127.0.0.1:1/0?ssl_cert_reqs=none",
        "redis+sentinel://name:word@127.0.0.1:1/leflux/0?sentinel_password=word",
        "rediss+cluster://127.0.0.1:1?ssl_cert_reqs=none",
    ],
)
async def test_a_server_that_is_not_there_is_away(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        await connect(url, 5.0)


async def test_a_server_that_says_nothing_is_away_after_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.2 s"):
            await connect(f"redis://127.0.0.1:{port}/0", 0.2)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), StoreUnavailable),
        (exceptions.AuthenticationError("no"), StoreMisconfigured),
        (exceptions.ConnectionError("WRONGPASS invalid"), StoreMisconfigured),
        (exceptions.RedisClusterException("Cluster mode is not enabled on this node"), StoreMisconfigured),
        (exceptions.ResponseError("ERR unknown"), StoreMisconfigured),
        (exceptions.ConnectionError("refused"), StoreUnavailable),
        (OSError("gone"), StoreUnavailable),
        (KeyError("ours"), KeyError),
    ],
)
def test_an_error_at_the_start_is_away_or_a_wrong_configuration(
    error: BaseException, kind: type[BaseException]
) -> None:
    assert type(_startup_error(error, 1.0)) is kind


def test_a_server_that_may_lose_messages_is_told_of() -> None:
    assert losses("maxmemory_policy:noeviction\r\naof_enabled:1\r\n") == []
    found = losses("# Memory\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n")
    assert ["allkeys-lru" in found[0], "appendonly yes" in found[1]] == [True, True]


def test_a_key_of_a_wrong_type_breaks_one_session_only() -> None:
    broken = translate(exceptions.ResponseError("WRONGTYPE Operation against a key"))
    assert isinstance(broken, WrongType)
    assert is_broken(broken)
    assert not is_broken([1])
    with pytest.raises(StoreUnavailable, match="busy"):
        is_broken(translate(exceptions.ResponseError("BUSY busy")))
    assert translate(broken) is broken


@pytest.mark.parametrize("record", [b"", b"\xc1", b"\x91\x01"])
def test_a_line_that_is_not_ours_is_left_out(record: bytes) -> None:
    assert log_entry("shop", "0b5a6a5e-7f5c-4a43-9f0a-111111111111", record) is None
