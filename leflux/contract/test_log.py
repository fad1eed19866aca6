"""Rules L1, L3, L5 and L7 to L10: what the log answers: listings, summaries, exports, days, retention."""

import pytest

from backends.base import Storage
from backends.errors import InvalidCursor
from backends.records import DayCount, LogCount, LogEntry, LogQuery, LogSession
from leflux.contract.kit import OTHER_SITE, SITE, make_entry, say, started

DAY = 86_400_000
MONDAY = 1_700_438_400_000
"""2023-11-20 00:00 UTC, in milliseconds."""


async def listed(storage: Storage, query: LogQuery, site_id: str = SITE) -> list[list[str]]:
    """The ids of each page, by following the cursor to the end."""
    pages: list[list[str]] = []
    while True:
        page = await storage.log.sessions(site_id, query)
        pages.append([session.session_id for session in page.sessions])
        if page.next_cursor is None:
            return pages
        query = LogQuery(query.words, query.start, query.end, page.next_cursor, query.limit)


async def test_l1_a_line_that_is_stored_already_is_skipped(storage: Storage) -> None:
    line = make_entry("s-1", 1, "first")
    await storage.log.append([line, line])
    await storage.log.append([line, make_entry("s-1", 1, "another text"), make_entry("s-1", 2, "second")])
    assert await storage.log.messages(SITE, "s-1", 0, 10) == [line.body, make_entry("s-1", 2, "second").body]
    summary = await storage.log.session(SITE, "s-1")
    assert summary is not None
    assert (summary.messages, summary.first_text) == (2, "first")


async def test_l1_a_batch_of_many_lines_and_an_empty_one_are_taken(storage: Storage) -> None:
    await storage.log.append([])
    await storage.log.append([make_entry(f"s-{number % 7}", number) for number in range(1, 701)])
    assert await storage.log.count_older(SITE, 2**45) == LogCount(7, 700)


async def test_l7_a_summary_tells_the_sessions_first_words_and_last_activity(storage: Storage) -> None:
    fields = {"visitor_id": "v-1", "continues": "older", "started_at": MONDAY}
    await storage.log.append(
        [
            make_entry("s-1", 1, "Welcome", ts=MONDAY + 1, role="assistant", **fields),
            make_entry("s-1", 2, "é" * 300, ts=MONDAY + 2, **fields),
            make_entry("s-1", 3, "more", ts=MONDAY + 3, **fields),
        ]
    )
    expected = LogSession(SITE, "s-1", MONDAY, MONDAY + 3, 3, "é" * 200, "v-1", "older")
    assert await storage.log.session(SITE, "s-1") == expected
    assert (await storage.log.sessions(SITE, LogQuery())).sessions == [expected]
    assert await storage.log.session(OTHER_SITE, "s-1") is None
    assert await storage.log.session(SITE, "s-2") is None


async def test_a_sessions_first_text_is_empty_until_its_visitor_speaks(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1", 1, "Welcome", role="assistant")])
    summary = await storage.log.session(SITE, "s-1")
    assert summary is not None
    assert summary.first_text == ""


async def test_l7_continued_by_names_the_session_that_follows(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1"), make_entry("s-2", continues="s-1")])
    assert await storage.log.continued_by(SITE, "s-1") == "s-2"
    assert await storage.log.continued_by(SITE, "s-2") is None
    assert await storage.log.continued_by(OTHER_SITE, "s-1") is None


async def test_l8_messages_come_in_seq_order_by_page_and_for_their_site_only(storage: Storage) -> None:
    lines = [make_entry("s-1", seq) for seq in range(1, 8)]
    await storage.log.append(lines)
    assert await storage.log.messages(SITE, "s-1", 0, 3) == [line.body for line in lines[:3]]
    assert await storage.log.messages(SITE, "s-1", 3, 100) == [line.body for line in lines[3:]]
    assert await storage.log.messages(SITE, "s-1", 7, 100) == []
    assert await storage.log.messages(OTHER_SITE, "s-1", 0, 100) == []


@pytest.mark.parametrize("limit", [1, 3, 4, 12, 50])
async def test_l3_the_cursor_visits_every_session_once_newest_first(storage: Storage, limit: int) -> None:
    # Three sessions share each moment, so that a cursor of the moment alone would lose or repeat some.
    await storage.log.append([make_entry(f"s-{number:02}", 1, ts=MONDAY + number // 3) for number in range(12)])
    pages = await listed(storage, LogQuery(limit=limit))
    seen = [session_id for page in pages for session_id in page]
    assert sorted(seen) == [f"s-{number:02}" for number in range(12)]
    assert [int(session_id[2:]) // 3 for session_id in seen] == [3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert all(len(page) == limit for page in pages[:-1])


async def test_l3_a_session_that_changes_meanwhile_hides_no_other_one(storage: Storage) -> None:
    await storage.log.append([make_entry(f"s-{number}", 1, ts=MONDAY + number) for number in range(6)])
    first = await storage.log.sessions(SITE, LogQuery(limit=2))
    await storage.log.append([make_entry("s-0", 2, ts=MONDAY + 100), make_entry("s-9", 1, ts=MONDAY + 101)])
    rest = await listed(storage, LogQuery(limit=2, cursor=first.next_cursor))
    assert [session.session_id for session in first.sessions] == ["s-5", "s-4"]
    assert [session_id for page in rest for session_id in page] == ["s-3", "s-2", "s-1"]


async def test_l3_start_is_inclusive_and_end_exclusive_on_the_last_activity(storage: Storage) -> None:
    await storage.log.append([make_entry(f"s-{number}", 1, ts=MONDAY + number) for number in range(6)])
    pages = await listed(storage, LogQuery(start=MONDAY + 1, end=MONDAY + 4, limit=2))
    assert pages == [["s-3", "s-2"], ["s-1"]]


@pytest.mark.parametrize("cursor", ["nonsense", ":", "1", "1:", "x:s-1", f"{10**30}:s-1", "-1:s-1", "💥"])
async def test_l3_a_cursor_that_no_page_gave_is_refused(storage: Storage, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await storage.log.sessions(SITE, LogQuery(cursor=cursor))


async def test_a_listing_shows_its_site_only(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1"), make_entry("s-2", site_id=OTHER_SITE)])
    assert await listed(storage, LogQuery()) == [["s-1"]]
    assert await listed(storage, LogQuery(), OTHER_SITE) == [["s-2"]]
    assert await listed(storage, LogQuery(), "unknown") == [[]]


async def exported(storage: Storage, start: int | None = None, end: int | None = None) -> list[LogEntry]:
    return [line async for line in storage.log.export(SITE, start, end)]


async def test_an_export_gives_every_line_of_the_site_as_it_was_stored(storage: Storage) -> None:
    lines = [make_entry(f"s-{number % 3}", 1 + number // 3, ts=MONDAY + number) for number in range(12)]
    await storage.log.append([*lines, make_entry("s-9", site_id=OTHER_SITE)])
    found = await exported(storage)
    by_time = lines
    by_session = sorted(lines, key=lambda line: (line.session_id, line.seq))
    assert found in (by_time, by_session)
    bounded = await exported(storage, MONDAY + 2, MONDAY + 5)
    assert sorted(line.ts for line in bounded) == [MONDAY + 2, MONDAY + 3, MONDAY + 4]
    assert await exported(storage, MONDAY + 12) == []


async def test_l5_an_export_may_be_left_half_way_and_holds_up_nobody(storage: Storage) -> None:
    await storage.log.append([make_entry(f"s-{number % 5}", 1 + number // 5) for number in range(1_500)])
    ref = await started(storage)
    export = storage.log.export(SITE, None, None)
    taken = 0
    async for _ in export:
        taken += 1
        await say(storage, ref, logged=False)
        if taken == 5:
            break
    await export.aclose()  # type: ignore[attr-defined]
    assert len(await exported(storage)) == 1_500


async def test_l9_days_counts_each_utc_day_that_the_range_touches(storage: Storage) -> None:
    await storage.log.append(
        [
            make_entry("s-1", 1, ts=MONDAY, visitor_id="v-1"),
            make_entry("s-1", 2, ts=MONDAY + DAY - 1, visitor_id="v-1"),
            make_entry("s-2", 1, ts=MONDAY + 5, visitor_id="v-1"),
            make_entry("s-3", 1, ts=MONDAY + 6),
            make_entry("s-1", 3, ts=MONDAY + DAY, visitor_id="v-1"),
            make_entry("s-4", 1, ts=MONDAY + 3 * DAY, visitor_id="v-4"),
            make_entry("s-5", 1, ts=MONDAY, site_id=OTHER_SITE),
        ]
    )
    monday, tuesday = DayCount("2023-11-20", 3, 4, 1), DayCount("2023-11-21", 1, 1, 1)
    thursday = DayCount("2023-11-23", 1, 1, 1)
    assert await storage.log.days(SITE, MONDAY, MONDAY + 7 * DAY) == [monday, tuesday, thursday]
    assert await storage.log.days(SITE, MONDAY + DAY - 1, MONDAY + DAY) == [monday]
    assert await storage.log.days(SITE, MONDAY + DAY - 1, MONDAY + DAY + 1) == [monday, tuesday]
    assert await storage.log.days(SITE, MONDAY - 7 * DAY, MONDAY) == []


async def test_l10_retention_erases_exactly_what_it_counted_in_steps(storage: Storage) -> None:
    for number in range(6):
        await storage.log.append([make_entry(f"s-{number}", seq, ts=MONDAY + 10 * number + seq) for seq in (1, 2)])
    await storage.log.append([make_entry("s-other", 1, ts=MONDAY, site_id=OTHER_SITE)])
    before = MONDAY + 10 * 4 + 2
    assert await storage.log.count_older(SITE, before) == LogCount(4, 8)
    steps: list[LogCount] = []
    while (step := await storage.log.delete_older(SITE, before, 3)) != LogCount():
        assert step.sessions <= 3
        steps.append(step)
    assert (sum(step.sessions for step in steps), sum(step.messages for step in steps)) == (4, 8)
    assert await listed(storage, LogQuery()) == [["s-5", "s-4"]]
    assert await listed(storage, LogQuery(words="hello")) == [["s-5", "s-4"]]
    assert len(await exported(storage)) == 4
    assert await storage.log.count_older(SITE, before) == LogCount()
    assert await listed(storage, LogQuery(), OTHER_SITE) == [["s-other"]]


async def test_l10_retention_judges_a_session_by_its_last_line(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1", 1, ts=MONDAY), make_entry("s-1", 2, ts=MONDAY + DAY)])
    assert await storage.log.count_older(SITE, MONDAY + DAY) == LogCount()
    assert await storage.log.count_older(SITE, MONDAY + DAY + 1) == LogCount(1, 2)
