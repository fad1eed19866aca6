"""Durations, rate limits, retention rules, a message's stamp and words, and what errors become."""

from contextlib import suppress

import msgspec
import pytest

from backends import errors
from backends.text import make_cursor, parse_cursor, stamp, words
from leflux import protocol
from leflux.chat.conversation_ids import checked_session_id
from leflux.chat.policy import TOMBSTONE_SLACK, Policy
from leflux.common.durations import Duration
from leflux.protocol import STATUS, Problem, as_problem, is_expected
from leflux.sites.rate_limits import RateLimit


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30m", 1800),
        ("24h", 86400),
        ("1500ms", 1.5),
        ("30d", 2592000),
        ("0.5s", 0.5),
        (" 7s ", 7),
        (90, 90),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_seconds(value: object, seconds: float) -> None:
    assert Duration.parse(value) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "5", "m", "5 m", "5M", "5w", "-5m", "1e3s", "٥m", "nan", 0, -1, 1e309, float("nan"), True, None, [], "99999d"],
)
def test_what_is_no_duration_says_what_was_expected(value: object) -> None:
    with pytest.raises(ValueError, match="Expected a duration"):
        Duration.parse(value)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spent(limit: RateLimit, key: str = "a", times: int = 1) -> int:
    """How many of `times` are granted."""
    granted = 0
    for _ in range(times):
        with suppress(Problem):
            limit.spend(key)
            granted += 1
    return granted


def test_a_key_may_spend_a_minutes_worth_at_once_and_earns_it_back_evenly() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    assert spent(limit, times=15) == 10
    clock.now += 6
    assert spent(limit, times=5) == 1
    clock.now += 18
    assert spent(limit, times=5) == 3
    clock.now += 3600
    assert spent(limit, times=15) == 10


def test_keys_do_not_spend_for_each_other_and_idle_ones_are_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    assert [spent(limit, f"key {number}") for number in range(100)] == [1] * 100
    assert len(limit) == 100
    clock.now += 61
    assert spent(limit, "another") == 1
    assert len(limit) == 1


def test_a_refusal_says_when_to_come_back() -> None:
    clock = Clock()
    limit = RateLimit(30, clock)
    assert spent(limit, times=30) == 30
    with pytest.raises(Problem) as refused:
        limit.spend("a")
    assert refused.value.code == "rate_limited"
    wait = refused.value.details["retryAfterMs"]
    assert 0 < wait <= 2001
    clock.now += wait / 1000
    limit.spend("a")


def test_retention_is_told_in_milliseconds_and_a_tombstone_outlives_every_browser_cache() -> None:
    policy = Policy(client_ttl=86400, user_data_ttl=30.5, idle_ttl=1800, task_hold=30, read_only=3)
    assert msgspec.to_builtins(policy.retention()) == {
        "clientTtlMs": 86_400_000,
        "userDataTtlMs": 30_500,
        "idleTtlMs": 1_800_000,
        "taskHoldMs": 30_000,
        "readOnlyMs": 3_000,
    }
    assert policy.tombstone() == 86400 + TOMBSTONE_SLACK
    assert msgspec.structs.replace(policy, user_data_ttl=10**6).tombstone() == 10**6 + TOMBSTONE_SLACK


def test_a_stamp_puts_seq_and_ts_in_front_of_the_bodys_own_members() -> None:
    assert stamp(b'{"id":"x"}', 7, 1700) == b'{"seq":7,"ts":1700,"id":"x"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What does it cost", ["what", "does", "it", "cost"]),
        ("snake_case a-b", ["snake", "\ue05f", "case", "a", "\ue02d", "b"]),
        ("GRÖSSE größe", ["grosse", "grosse"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("cafe\u0301", ["cafe"]),
        ("你好", ["你", "好", "你好"]),
        ("🧭.", ["🧭", "\ue02e"]),
        ("", []),
    ],
)
def test_words_are_without_case_and_accents_and_symbols_count(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("session_id", ["s-1", "a:b:c", "💥", "x\ny"])
def test_a_cursor_comes_back_as_it_was_made(session_id: str) -> None:
    assert parse_cursor(make_cursor(1_700_000_000_000, session_id)) == (1_700_000_000_000, session_id)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SessionNotFound("x"), "session_not_found"),
        (errors.SessionCorrupt("x"), "session_not_found"),
        (errors.SessionDeleted("x"), "session_deleted"),
        (errors.NotOwner("x"), "not_owner"),
        (errors.DuplicateIdConflict("x"), "duplicate_id_conflict"),
        (errors.StoreUnavailable("x"), "store_unavailable"),
        (errors.InvalidCursor("x"), "invalid_request"),
        (KeyError("secret"), "internal_error"),
    ],
)
def test_a_store_error_becomes_a_code_and_shows_nothing_of_itself(error: Exception, code: str) -> None:
    problem = as_problem(error)
    assert problem.code == code
    assert problem.status == STATUS[code]
    assert "secret" not in problem.message
    assert is_expected(error) is (code != "internal_error")


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"{", "bad_json", None),
        (b"\xff", "bad_json", None),
        (b"[" * 100_000, "bad_json", None),
        (b'{"since": 1', "bad_json", None),
        (b'{"websiteUrl": 1, ', "bad_json", None),
        (b"{}", "invalid_request", "$.websiteUrl"),
        (b'{"websiteUrl": 1}', "invalid_request", "$.websiteUrl"),
        (b'{"websiteUrl": "x", "priorHistory": [{"role": "visitor"}]}', "invalid_request", "$.priorHistory[0].text"),
        (
            b'{"websiteUrl": "x", "priorHistory": [{"role": "x", "text": ""}]}',
            "invalid_request",
            "$.priorHistory[0].role",
        ),
        (b'{"websiteUrl": "x", "visitorId": "a\\n"}', "invalid_request", "$.visitorId"),
        (b"[]", "invalid_request", "$"),
    ],
)
def test_a_body_that_cannot_be_read_names_the_place(body: bytes, code: str, path: str | None) -> None:
    with pytest.raises(Problem) as refused:
        protocol.decode(body, protocol.InitRequest)
    assert refused.value.code == code
    assert refused.value.details.get("path") == path


def test_an_unknown_field_is_ignored_and_an_event_names_its_place() -> None:
    assert protocol.decode(b'{"websiteUrl": "x", "more": 1, "__proto__": {}}', protocol.InitRequest).website_url == "x"
    with pytest.raises(Problem) as refused:
        protocol.convert({"sessionId": "x", "clientMessageId": "../x", "text": "t"}, protocol.SendMessage)
    assert refused.value.details == {"path": "$.clientMessageId"}
    payloads: tuple[object, ...] = (None, [], "x", 7)
    for payload in payloads:
        with pytest.raises(Problem):
            protocol.convert(payload, protocol.SendMessage)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "AC9AC262-ED9D-4C93-99B9-CC94D42EF48A",
        "ac9ac262-ed9d-1c93-99b9-cc94d42ef48a",
        "ac9ac262-ed9d-4c93-99b9-cc94d42ef48a\n",
        "../ac9ac262-ed9d-4c93-99b9-cc94d42ef48a",
    ],
)
def test_a_session_id_is_a_lower_case_uuid4(value: str) -> None:
    assert checked_session_id("ac9ac262-ed9d-4c93-99b9-cc94d42ef48a")
    with pytest.raises(Problem, match="UUIDv4"):
        checked_session_id(value)
