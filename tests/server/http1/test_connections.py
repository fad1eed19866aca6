"""How many connections an address may have, and what is kept for the others."""

import asyncio
from itertools import pairwise

import pytest

from leflux.http1.connection_counts import FEW, ConnectionCounts, network_of
from tests.server.conftest import until
from tests.server.http1.conftest import HEAD, OpenRig
from tests.server.http1.test_handover import UPGRADE, Upgrading


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_last_connections_are_for_those_who_have_few() -> None:
    counts = ConnectionCounts(per_address=1_000, total=40)
    taken = sum(counts.admit("192.0.2.1", is_limited=True) for _ in range(100))
    assert taken == 30
    others = [counts.admit(f"192.0.2.{2 + number // FEW}", is_limited=True) for number in range(20)]
    assert others == [True] * 10 + [False] * 10
    counts.release("192.0.2.1")
    assert not counts.admit("192.0.2.1", is_limited=True)
    assert counts.admit("192.0.2.99", is_limited=True)


def test_a_proxy_is_not_limited_by_its_address() -> None:
    counts = ConnectionCounts(per_address=2, total=100)
    assert [counts.admit("192.0.2.1", is_limited=True) for _ in range(3)] == [True, True, False]
    assert [counts.admit("192.0.2.2", is_limited=False) for _ in range(3)] == [True, True, True]


async def test_a_connection_too_many_is_answered_and_closed_and_one_that_ends_makes_room(open_rig: OpenRig) -> None:
    rig = await open_rig(connections_per_address=3)
    held = [await rig.client() for _ in range(3)]
    refused = await rig.client()
    assert (await refused.answer()).status == 503
    assert await refused.rest() == b""
    held[0].reset()

    async def is_admitted() -> bool:
        return (await rig.ask(HEAD + b"Connection: close\r\n\r\n")).status == 200

    await until(is_admitted, "there is room again")


async def test_a_connection_that_another_protocol_has_taken_over_still_counts(open_rig: OpenRig) -> None:
    rig = await open_rig(Upgrading(), connections_per_address=1)
    parrot = await rig.client(UPGRADE)
    assert (await parrot.head())[0] == 101
    assert (await rig.ask()).status == 503
    parrot.reset()

    async def is_admitted() -> bool:
        return (await rig.ask(HEAD + b"Connection: close\r\n\r\n")).status == 200

    await until(is_admitted, "there is room again")


async def test_a_proxy_may_have_as_many_as_it_likes(open_rig: OpenRig) -> None:
    rig = await open_rig(connections_per_address=1, is_proxy=lambda address: address == "127.0.0.1")
    for _ in range(5):
        assert (await rig.ask(HEAD + b"\r\n")).status == 200


async def test_when_one_address_has_filled_the_rest_another_is_still_answered(open_rig: OpenRig) -> None:
    rig = await open_rig(connections=40)
    for _ in range(30):
        await rig.client()
    assert (await rig.ask()).status == 503
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, local_addr=("127.0.0.2", 0))
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_requests_that_come_together_are_answered_one_in_a_turn_of_the_loop(open_rig: OpenRig) -> None:
    rig = await open_rig()
    turns: list[int] = []
    client = await rig.client(*[HEAD + b"\r\n"] * 200)
    while rig.accesses[-1:] == [] or len(rig.accesses) < 200:
        turns.append(len(rig.accesses))
        await asyncio.sleep(0)
    assert max(after - before for before, after in pairwise(turns)) == 1
    assert (await client.answer()).status == 200
