"""The checker itself, on histories written by hand: a good one passes, and each mistake breaks the rule it is of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.faults.history import Event, History, Reading, Stored, canary
from tests.faults.planted import MISTAKES, copied, plant
from tests.faults.rules import RULES, Run, violations

SAID = [
    Stored(1, "visitor", "first canary1x0y", "a"),
    Stored(2, "assistant", "echo: first canary1x0y"),
    Stored(3, "visitor", "second canary1x0y", "b"),
    Stored(4, "assistant", "echo: second canary1x0y"),
]
READING = Reading(0, "s", tuple(SAID), tuple(SAID), tuple(SAID))
CANARIES = [canary(1, 0), canary(1, 1)]


def good() -> list[Event]:
    """Two messages of one tab, repeats of the first, a restore, a takeover, and another session that is purged."""
    events: list[Event] = []

    def call(number: int, op: str, kind: str = "ok", end: dict[str, Any] | None = None, **fields: Any) -> None:
        fields = {"op": op, "call": number, "session": "s", **fields}
        events.append(msgspec.convert({"at": 10 * number, "kind": "invoke"} | fields, Event))
        events.append(msgspec.convert({"at": 10 * number + 5, "kind": kind} | fields | (end or {}), Event))

    first: dict[str, Any] = {"key": "a", "text": SAID[0].text}
    second: dict[str, Any] = {"key": "b", "text": SAID[2].text}
    call(1, "join", end={"epoch": 1}, tab="0-1")
    call(2, "say", "unknown", tab="0-1", epoch=1, **first)
    call(3, "say", end={"seq": 1}, tab="0-1", epoch=1, **first)
    call(4, "restore", end={"shown": SAID[:2]})
    call(5, "say", end={"seq": 3}, tab="0-1", epoch=1, **second)
    call(6, "say", "refused", tab="0-1", epoch=1, key="a", text="another text")
    call(7, "join", end={"epoch": 2}, tab="0-2")
    call(8, "say", "refused", tab="0-1", epoch=1, key="c", text="too late")
    call(9, "say", end={"seq": 1}, tab="0-1", epoch=1, **first)
    call(10, "restore", end={"shown": SAID})
    call(11, "say", end={"seq": 1}, session="gone", key="d", text="erase this canary1x0y")
    call(12, "purge", session="gone")
    call(13, "restore", "refused", session="gone")
    return events


def judged(events: list[Event], reading: Reading = READING, gone: Reading | None = None) -> list[str]:
    gone = gone or Reading(0, "gone", None, (), gone="session_deleted")
    return violations(Run(events, [reading, gone], CANARIES))


def test_a_good_history_breaks_no_rule() -> None:
    assert judged(good()) == []


def edited(call: int, of_kind: str, **fields: Any) -> list[Event]:
    """The good history with other fields in one event."""
    changed = [replace(event, **fields) if (event.call, event.kind) == (call, of_kind) else event for event in good()]
    assert changed != good()
    return changed


def stored(*messages: Stored) -> Reading:
    return Reading(0, "s", messages, messages, messages)


def shown_twice() -> Reading:
    return stored(*SAID, Stored(5, "visitor", SAID[0].text, "a"), Stored(6, "assistant", SAID[1].text))


BAD: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "an acknowledged message is not stored": ("1", lambda: judged(good(), stored(*SAID[:2]))),
    "an acknowledged message has another seq": ("1", lambda: judged(edited(5, "ok", seq=4))),
    "a message is stored twice": ("2", lambda: judged(good(), shown_twice())),
    "a repeat has another seq": ("3", lambda: judged(edited(9, "ok", seq=7))),
    "another text is accepted": ("3", lambda: judged(edited(6, "refused", kind="ok", seq=1))),
    "a gap": ("4", lambda: judged(good(), stored(*SAID[:3], replace(SAID[3], seq=6)))),
    "two messages of a tab change places": ("5", lambda: judged(edited(3, "ok", seq=9))),
    "a restore is shorter than what was acknowledged": ("6", lambda: judged(edited(10, "ok", shown=tuple(SAID[:1])))),
    "a restore has a hole": ("6", lambda: judged(edited(10, "ok", shown=(SAID[0], SAID[2])))),
    "a message changes": (
        "6",
        lambda: judged(edited(4, "ok", shown=(SAID[0], replace(SAID[1], text="echo: something else")))),
    ),
    "a text that nobody said": ("7", lambda: judged(good(), stored(*SAID[:2], replace(SAID[2], text="x"), SAID[3]))),
    "the log lacks a line": ("8", lambda: judged(good(), replace(READING, export=tuple(SAID[:3])))),
    "the store differs": ("8", lambda: judged(good(), replace(READING, store=tuple(SAID[:3])))),
    "an older socket writes": ("9", lambda: judged(edited(8, "refused", kind="ok", seq=5))),
    "two replies": ("10", lambda: judged(good(), stored(*SAID, replace(SAID[3], seq=5)))),
    "no reply": ("10", lambda: judged(good(), stored(*SAID[:3]))),
    "words of another visitor": (
        "11",
        lambda: judged(edited(4, "ok", shown=(SAID[0], replace(SAID[1], text=f"echo: {CANARIES[1]}")))),
    ),
    "a purged session is restored": ("12", lambda: judged(good(), gone=Reading(0, "gone", tuple(SAID[:2]), ()))),
    "a purged session is unknown": (
        "12",
        lambda: judged(good(), gone=Reading(0, "gone", None, (), gone="session_not_found")),
    ),
    "a purged session is in the log": (
        "12",
        lambda: judged(good(), gone=Reading(0, "gone", None, tuple(SAID[:1]), gone="session_deleted")),
    ),
    "words of a purged session are left": (
        "12",
        lambda: judged(good(), gone=Reading(0, "gone", None, (), gone="session_deleted", left=1)),
    ),
    "a call succeeds after the purge": ("12", lambda: judged(edited(13, "refused", kind="ok"))),
    "the system does not come to rest": ("14", lambda: judged([*good(), Event(200.0, "restless", "not answered")])),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_breaks_its_rule(name: str) -> None:
    number, judge = BAD[name]
    assert number in {found.split()[0] for found in judge()}


def test_every_rule_has_a_bad_history() -> None:
    assert {(rule.__doc__ or "").split()[0] for rule in RULES} == {number for number, _ in BAD.values()}


def test_a_history_is_written_line_by_line(tmp_path: Path) -> None:
    history = History(tmp_path / "deep" / "history.jsonl")
    call = history.invoke("say", visitor=1, session="s", key="k", text="t")
    history.add("ok", "say", call=call, seq=1)
    history.close()
    lines = [msgspec.json.decode(line, type=Event) for line in history.file.read_bytes().splitlines()]
    assert lines == history.events
    assert [line.kind for line in lines] == ["invoke", "ok"]


def test_every_planted_mistake_fits_the_code(tmp_path: Path) -> None:
    """So that a change of the code cannot turn one into a mistake that is not there."""
    root = copied(tmp_path)
    for mistake in MISTAKES:
        for name, text, change in mistake.changes:
            assert (root / name).read_text().count(text) == 1, f"{mistake.name}: {text!r}"
            assert change != text
    with pytest.raises(ValueError, match="0 times"):
        plant(replace(MISTAKES[0], changes=(("run.py", "no such text", "x"),)), root)
    assert len(MISTAKES) >= 12
