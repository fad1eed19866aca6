"""Who gets in: the gate, the version and the cap of an address, each before anything is allocated."""

import pytest

from tests.server.realtime.engine.conftest import ORIGIN, OpenRig, Rig

FOREIGN = "http://evil.test"
WEBSOCKET = "EIO=4&transport=websocket"
POLLING = "EIO=4&transport=polling"


@pytest.fixture
def opened_sessions(monkeypatch: pytest.MonkeyPatch, rig: Rig) -> list[object]:
    """Every connection that was allocated."""
    opened: list[object] = []
    original = rig.engine.open

    def open_(*arguments: object) -> object:
        opened.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(rig.engine, "open", open_)
    return opened


@pytest.mark.parametrize("query", [WEBSOCKET, POLLING])
@pytest.mark.parametrize("origin", [FOREIGN, "null", f"{ORIGIN}.evil.test", None])
async def test_a_foreign_or_absent_origin_is_403_and_nothing_is_allocated(
    rig: Rig, opened_sessions: list[object], query: str, origin: str | None
) -> None:
    raw = await rig.raw(query, origin=origin)
    assert raw.status == 403
    assert "Sec-WebSocket-Accept" not in raw.head
    assert opened_sessions == []
    assert rig.at_baseline


async def test_a_foreign_page_gets_no_leave_to_read_the_refusal(rig: Rig) -> None:
    async with rig.http.get(f"{rig.base}/socket.io/?{POLLING}", headers={"Origin": FOREIGN}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("version", ["", "EIO=3&", "EIO=2&", "EIO=5&", "EIO=4x&"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_other_versions_of_the_protocol_are_refused(
    rig: Rig, opened_sessions: list[object], version: str, transport: str
) -> None:
    assert (await rig.raw(f"{version}transport={transport}")).status == 400
    assert opened_sessions == []


async def test_an_unknown_sid_is_400_on_both_transports(rig: Rig, opened_sessions: list[object]) -> None:
    assert (await rig.raw(f"{WEBSOCKET}&sid=guessed")).status == 400
    assert (await rig.poll("GET", "guessed"))[0] == 400
    assert (await rig.poll("POST", "guessed", "40"))[0] == 400
    assert opened_sessions == []


async def test_compression_is_not_negotiated(rig: Rig) -> None:
    raw = await rig.websocket()
    assert "permessage-deflate" not in raw.head.lower()


async def test_an_address_has_so_many_connections_and_no_more(open_rig: OpenRig) -> None:
    rig = await open_rig(sockets_per_address=2)
    first = await rig.websocket()
    await rig.polling()
    assert (await rig.raw()).status == 429
    assert (await rig.poll())[0] == 429
    await first.hang_up()
    await rig.websocket_when_there_is_room()


async def test_another_address_has_room_of_its_own(open_rig: OpenRig) -> None:
    rig = await open_rig(sockets_per_address=1)
    await rig.websocket()
    assert (await rig.raw()).status == 429
    await rig.websocket(local_addr=("127.0.0.2", 0))
    assert rig.engine.by_address == {"127.0.0.1": 1, "127.0.0.2": 1}


async def test_a_handler_is_told_the_real_address(rig: Rig) -> None:
    await rig.websocket(local_addr=("127.0.0.2", 0))
    (environ,) = rig.server.environ.values()
    assert environ["REMOTE_ADDR"] == "127.0.0.2"
