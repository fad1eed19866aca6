"""Numbers by day: from the log, and from what the processes have counted."""

import asyncio
from collections import Counter
from typing import Any

import msgspec

from backends.records import DayCount, LogQuery
from backends.text import words
from leflux.analytics import MAX_DAYS, date_of
from leflux.policies import DAY_MS
from leflux.problems import Problem
from leflux.tally import Tally, percentile, total
from leflux.web.admin.base import AdminHandler, now_ms

DEFAULT_DAYS = 30
# The questions that are compared: the first ones of the newest sessions.
QUESTIONS, PAGE, TOP = 500, 100, 10


class AnalyticsHandler(AdminHandler):
    """`{days, restoreMs: {p50, p95, p99}, hours, topQuestions, duplicates, gaps}` of the UTC days of the span."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        start, end = self._days()
        counted, tallies, questions = await asyncio.gather(
            self.desk.storage.log.days(site.id, start, end),
            self.desk.analytics.days(site.id, _date(start), _date(end - 1)),
            self._questions(site.id, start, end),
        )
        everything = total(tallies.values())
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        self.answer(
            {
                "days": _merged(counted, tallies),
                "restoreMs": {name: percentile(everything.restore_ms, share) for name, share in shares.items()},
                "hours": everything.hours,
                "duplicates": everything.duplicates,
                "gaps": everything.gaps,
                "topQuestions": questions,
            }
        )

    def _days(self) -> tuple[int, int]:
        start, end = self.span()
        end = now_ms() if end is None else min(end, now_ms() + DAY_MS)
        start = end - DEFAULT_DAYS * DAY_MS if start is None else start
        if not 0 <= end - start <= MAX_DAYS * DAY_MS:
            raise Problem("invalid_request", f"from comes before to, at most {MAX_DAYS} days.", path="$.from")
        return max(start, 0), max(end, start + 1, 1)

    async def _questions(self, site_id: str, start: int, end: int) -> list[dict[str, Any]]:
        query = LogQuery(start=start, end=end, limit=PAGE)
        asked: Counter[str] = Counter()
        spelled: dict[str, str] = {}
        for _ in range(QUESTIONS // PAGE):
            page = await self.desk.storage.log.sessions(site_id, query)
            for session in page.sessions:
                if key := " ".join(words(session.first_text)):
                    asked[key] += 1
                    spelled.setdefault(key, session.first_text)
            if page.next_cursor is None:
                break
            query = msgspec.structs.replace(query, cursor=page.next_cursor)
        return [{"text": spelled[key], "count": count} for key, count in asked.most_common(TOP)]


def _merged(counted: list[DayCount], tallies: dict[str, Tally]) -> list[dict[str, Any]]:
    logged = {day.date: day for day in counted}
    days = []
    for date in sorted({*logged, *tallies}):
        day, tally = logged.get(date) or DayCount(date, 0, 0, 0), tallies.get(date) or Tally()
        head = {"date": date, "sessions": day.sessions, "messages": day.messages, "visitors": day.visitors}
        days.append(head | {"restores": tally.restores, "tasks": tally.tasks})
    return days


def _date(milliseconds: int) -> str:
    return date_of(milliseconds / 1000)
