"""Packets that make no sense or forge something: each is refused by itself, and the connection lives."""

import asyncio
import json
from typing import Any

import pytest

from leflux.realtime.engine.session import CHEAP_BURST, INBOX
from leflux.realtime.engine.wire import RESERVED
from tests.server.conftest import until
from tests.server.realtime.engine.conftest import OpenRig, Rig

SEPARATOR = "\x1e"
GARBAGE = ["x", "", "9", "-1", "\x00", "4", "49", "4x", '4"', "0{}", "b4AA=="]
NOT_EVENTS = [
    "42",
    "42[",
    "42{}",
    "42[]",
    "42[7]",
    "42[null]",
    '42["echo",NaN]',
    "43[]",
    "431{}",
    "44{}",
    '42["echo"]x',
]
NUMBERS = ['42["echo",1e999]', '421234567890123456["echo"]', "42[1e999]"]
BINARY = ['451-["echo",{"_placeholder":true,"num":0}]', '45-["echo"]', "461-1[]", '45999999-["echo"]']
DEEP = '42["echo",' + "[" * 100_000
UNREADABLE = [*GARBAGE, *NOT_EVENTS, *NUMBERS, *BINARY, DEEP]


def refused(packet: str) -> dict[str, Any]:
    """What an `error` event says."""
    name, problem = json.loads(packet[2:])
    assert name == "error"
    assert problem["error"] in ("bad_packet", "bad_json")
    assert problem["message"]
    return dict(problem)


@pytest.mark.parametrize("packet", UNREADABLE, ids=lambda packet: packet[:40])
async def test_a_packet_that_cannot_be_read_is_refused_and_the_next_is_answered(rig: Rig, packet: str) -> None:
    raw = await rig.websocket()
    raw.text(packet, '421["echo",1]')
    refused(await raw.packet())
    assert await raw.packet() == "431[1]"
    assert rig.left == []


@pytest.mark.parametrize("packet", ["x", "", "bAA==", *BINARY, '42["connect"]', "42[7]"])
async def test_the_same_by_polling(rig: Rig, packet: str) -> None:
    sid = await rig.polling()
    assert await rig.poll("POST", sid, f'{packet}{SEPARATOR}421["echo",1]') == (200, "ok")
    text = ""
    while "431[1]" not in text:
        text += SEPARATOR + (await rig.poll("GET", sid))[1]
    answers = text.strip(SEPARATOR).split(SEPARATOR)
    refused(answers[0])
    assert answers[1:] == ["431[1]"]
    assert rig.left == []


@pytest.mark.parametrize(
    ("packet", "code"),
    [("427[7]", "bad_packet"), ('427["echo",NaN]', "bad_json"), ('451-7["echo",{"_placeholder":true}]', "bad_packet")],
)
async def test_one_that_wants_an_acknowledgement_is_refused_by_it(rig: Rig, packet: str, code: str) -> None:
    raw = await rig.websocket()
    raw.text(packet)
    answer = await raw.packet()
    assert answer.startswith("437[")
    (body,) = json.loads(answer[3:])
    assert (body["ok"], body["error"]) == (False, code)


async def test_half_of_a_surrogate_pair_reaches_the_handlers_as_a_character(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text(r'421["echo",{"\ud83d":"half \ud83d of \ud83d\ude00"}]')
    assert json.loads((await raw.packet())[3:]) == [{"\ufffd": "half \ufffd of \U0001f600"}]
    assert rig.seen == [{"\ufffd": "half \ufffd of \U0001f600"}]


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_a_client_that_emits_a_reserved_event_is_refused_and_no_handler_runs(rig: Rig, name: str) -> None:
    calls: list[object] = []
    if name not in ("connect", "disconnect"):
        rig.server.on(name, lambda *arguments: calls.append(arguments))
    raw = await rig.websocket()
    raw.text(f'42["{name}",{{"forged":true}}]')
    refused(await raw.packet())
    assert rig.left == []
    assert calls == []


@pytest.mark.parametrize("packet", ["x", '427["echo",NaN]', "2", "6"])
async def test_a_client_that_goes_on_with_such_packets_is_closed(open_rig: OpenRig, packet: str) -> None:
    rig = await open_rig(events_per_minute=100_000, address_events_per_minute=100_000)
    raw = await rig.websocket()
    # Some are earned back while they are counted.
    raw.text(*[packet] * (2 * CHEAP_BURST))
    while not any(frame.opcode == 8 for frame in raw.frames):
        await raw.read()
        raw.packets.clear()
        del raw.frames[:-1]
    assert await raw.end() == (1008, "flood")
    await rig.wait_for_baseline()
    assert rig.left == ["flood"]


async def test_a_handler_that_fails_keeps_its_connection(rig: Rig) -> None:
    async def fails(sid: str) -> None:
        raise RuntimeError("a fault of ours")

    rig.server.on("fails", fails)
    raw = await rig.websocket()
    raw.text('421["fails"]', '422["echo",2]')
    assert await raw.packet() == "432[2]"


async def test_an_event_before_the_connection_is_ignored(rig: Rig) -> None:
    raw = await rig.websocket(connected=False)
    raw.text('421["echo",1]', "40", '422["echo",2]')
    assert (await raw.packet()).startswith("40{")
    assert await raw.packet() == "432[2]"
    assert rig.seen == [2]


async def test_a_client_that_connects_twice_is_refused_and_stays(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("40", '421["echo",1]')
    refused(await raw.packet())
    assert await raw.packet() == "431[1]"


@pytest.mark.parametrize("packet", ["40[]", '40"x"', "40NaN"])
async def test_a_connection_packet_that_cannot_be_read_is_a_connection_error(rig: Rig, packet: str) -> None:
    raw = await rig.websocket(connected=False)
    raw.text(packet, "40")
    answer = await raw.packet()
    assert answer.startswith("44{")
    assert json.loads(answer[2:])["data"]["error"] in ("bad_packet", "bad_json")
    assert (await raw.packet()).startswith("40{")


async def test_another_namespace_is_refused_with_a_reason_and_the_first_stays(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("40/admin,")
    answer = await raw.packet()
    assert answer.startswith("44/admin,{")
    assert json.loads(answer.partition(",")[2])["message"] == "Invalid namespace"
    raw.text('42/admin,1["echo",1]', '422["echo",2]')
    assert await raw.packet() == "432[2]"
    assert rig.seen == [2]


@pytest.mark.parametrize("namespace", ["/random", "/a/b?token=1", "/" + "n" * 200, "/ü€"])
async def test_the_refusal_of_a_namespace_names_it_in_full(rig: Rig, namespace: str) -> None:
    raw = await rig.websocket()
    raw.text(f"40{namespace},", f"40{namespace}")
    assert [await raw.packet() for _ in range(2)] == [f'44{namespace},{{"message":"Invalid namespace"}}'] * 2


async def test_a_namespace_without_end_is_refused_and_the_next_packet_is_answered(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("40/" + "n" * 2_000, '421["echo",1]')
    assert "bad_json" in await raw.packet()
    assert await raw.packet() == "431[1]"


async def test_acknowledgements_nobody_waits_for_are_ignored(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("437[]", '421["echo",1]')
    assert await raw.packet() == "431[1]"


async def test_what_comes_faster_than_the_handlers_take_it_waits_and_nothing_is_lost(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=100_000, events_per_minute=10_000)
    release = asyncio.Event()

    async def hang(sid: str) -> None:
        await release.wait()

    rig.server.on("hang", hang)
    many, large = await rig.websocket(), await rig.websocket()
    many.text('42["hang"]', *['42["echo"]'] * 3_000)
    large.text('42["hang"]', *['42["echo","' + "x" * 20_000 + '"]'] * 30)
    sessions = list(rig.engine.sessions.values())
    await until(lambda: all(session.is_full for session in sessions), "as much waits as may")
    assert len(sessions[0]._inbox) <= INBOX
    assert sessions[1]._inbox_size < 200_000
    release.set()
    await until(lambda: len(rig.seen) == 3_030, "all of it is handled")
    assert rig.left == []


async def test_more_events_than_a_minute_allows_are_refused_with_a_time_to_wait(open_rig: OpenRig) -> None:
    rig = await open_rig(events_per_minute=10)
    raw = await rig.websocket()
    raw.text(*(f'42{number}["echo",{number}]' for number in range(12)))
    answers = [json.loads((await raw.packet()).partition("[")[2][:-1] or "null") for _ in range(12)]
    # The connection packet was the first event.
    assert answers[:9] == list(range(9))
    assert [answer["error"] for answer in answers[9:]] == ["rate_limited"] * 3
    assert all(answer["details"]["retryAfterMs"] > 0 for answer in answers[9:])
    assert rig.left == []


async def test_a_large_event_counts_for_many(open_rig: OpenRig) -> None:
    rig = await open_rig(events_per_minute=30)
    raw = await rig.websocket()
    raw.text(*(f'42{number}["echo","{"x" * 60_000}"]' for number in range(3)))
    assert [("rate_limited" in await raw.packet()) for _ in range(3)] == [False, True, True]


async def test_all_sockets_of_an_address_share_its_events(open_rig: OpenRig) -> None:
    rig = await open_rig(address_events_per_minute=5)
    first, second = await rig.websocket(), await rig.websocket()
    first.text(*['421["echo",1]'] * 3)
    assert [await first.packet() for _ in range(3)] == ["431[1]"] * 3
    second.text('421["echo",1]')
    assert "rate_limited" in await second.packet()


async def test_seven_hundred_events_in_one_turn_over_polling_are_all_answered(rig: Rig) -> None:
    sid = await rig.polling()
    packets = SEPARATOR.join(f'42{number}["echo",{number}]' for number in range(700))
    posting = asyncio.create_task(rig.poll("POST", sid, packets))
    answers: list[str] = []
    while len(answers) < 700:
        status, text = await rig.poll("GET", sid)
        assert status == 200
        answers += text.split(SEPARATOR)
    assert await posting == (200, "ok")
    assert answers == [f"43{number}[{number}]" for number in range(700)]
