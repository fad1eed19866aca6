"""Numbers by day: from the log, and from what the processes have counted."""

import asyncio
from collections import Counter

import msgspec

from backends.clock import utc_date
from backends.records import DayCount, LogQuery
from backends.text import terms
from leflux.owner.analytics import MAX_DAYS
from leflux.owner.day_counts import SiteDayCounts, percentile, total
from leflux.owner.rules import DAY_MS
from leflux.protocol import Problem
from leflux.protocol.owner_api import AnalyticsAnswer, DayAnswer, RestoreTimes, TopQuestion
from leflux.web.admin.base import AdminHandler, now_ms

DEFAULT_DAYS = 30
# The questions that are compared: the first ones of the newest sessions.
QUESTIONS, PAGE, TOP = 500, 100, 10


class AnalyticsHandler(AdminHandler):
    """The counts of the UTC days of the span."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        start, end = self._days()
        logged, counted, questions = await asyncio.gather(
            self.dependencies.storage.log.days(site.id, start, end),
            self.dependencies.analytics.days(site.id, utc_date(start / 1000), utc_date((end - 1) / 1000)),
            self._questions(site.id, start, end),
        )
        everything = total(counted.values())
        self.answer(
            AnalyticsAnswer(
                days=_merged(logged, counted),
                restore_ms=RestoreTimes(*(percentile(everything.restore_ms, share) for share in (0.5, 0.95, 0.99))),
                hours=everything.hours,
                top_questions=questions,
                duplicates=everything.duplicates,
                gaps=everything.gaps,
            )
        )

    def _days(self) -> tuple[int, int]:
        start, end = self.span()
        end = now_ms() if end is None else min(end, now_ms() + DAY_MS)
        start = end - DEFAULT_DAYS * DAY_MS if start is None else start
        if not 0 <= end - start <= MAX_DAYS * DAY_MS:
            raise Problem("invalid_request", f"from comes before to, at most {MAX_DAYS} days.", path="$.from")
        return max(start, 0), max(end, start + 1, 1)

    async def _questions(self, site_id: str, start: int, end: int) -> list[TopQuestion]:
        query = LogQuery(start=start, end=end, limit=PAGE)
        asked: Counter[str] = Counter()
        spelled: dict[str, str] = {}
        for _ in range(QUESTIONS // PAGE):
            page = await self.dependencies.storage.log.sessions(site_id, query)
            for session in page.sessions:
                if key := " ".join(terms(session.first_text)):
                    asked[key] += 1
                    spelled.setdefault(key, session.first_text)
            if page.next_cursor is None:
                break
            query = msgspec.structs.replace(query, cursor=page.next_cursor)
        return [TopQuestion(spelled[key], count) for key, count in asked.most_common(TOP)]


def _merged(logged: list[DayCount], counted: dict[str, SiteDayCounts]) -> list[DayAnswer]:
    by_date = {day.date: day for day in logged}
    days = []
    for date in sorted({*by_date, *counted}):
        day, counts = by_date.get(date) or DayCount(date, 0, 0, 0), counted.get(date) or SiteDayCounts()
        days.append(DayAnswer(date, day.sessions, day.messages, day.visitors, counts.restores, counts.tasks))
    return days
