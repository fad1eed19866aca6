"""The questions that the agent could not answer, and what the owner answers to them."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from backends.records import LogQuery
from backends.text import terms
from leflux.protocol import Problem
from leflux.protocol.owner_api import OwnerAnswerList, UnansweredAnswer, UnansweredQuestion
from leflux.sites.registry import HostNotRegistered, OriginRequired, Site, Sites
from leflux.web.admin.base import AdminHandler

# The newest conversations that are read, so many at a time, and the messages of each.
SESSIONS, PAGE, MESSAGES = 200, 100, 200
MOST = 100


class _Line(Struct):
    role: str
    text: str = ""
    ts: int = 0
    kind: str | None = None
    data: Any = None


class UnansweredHandler(AdminHandler):
    """Grouped by their words, the most frequent first; without those that an owner's answer was written for."""

    async def get(self, site_id: str) -> None:
        site, ids = self.site(site_id), await self.conversation_ids()
        answered = {_key(one.question) for one in (await self.dependencies.answers.read(site.id)).answers}
        groups: dict[str, UnansweredQuestion] = {}
        async for session_id, line in self._missed(site):
            if not (key := _key(line.text)) or key in answered:
                continue
            before = groups.get(key)
            newest = before is None or line.ts > before.last_asked
            groups[key] = UnansweredQuestion(
                question=line.text if newest or before is None else before.question,
                count=1 if before is None else before.count + 1,
                last_asked=line.ts if newest or before is None else before.last_asked,
                conversation_id=ids.of(session_id) if newest or before is None else before.conversation_id,
            )
        ordered = sorted(groups.values(), key=lambda one: (-one.count, -one.last_asked))
        self.answer(UnansweredAnswer(ordered[:MOST]))

    async def _missed(self, site: Site) -> AsyncIterator[tuple[str, _Line]]:
        """The visitors' messages that were declined or failed."""
        start, end = self.span()
        query = LogQuery(start=start, end=end, limit=PAGE)
        log = self.dependencies.storage.log
        for _ in range(SESSIONS // PAGE):
            page = await log.sessions(site.id, query)
            for session in page.sessions:
                asked: _Line | None = None
                for body in await log.messages(site.id, session.session_id, 0, MESSAGES):
                    line = msgspec.json.decode(body, type=_Line)
                    if line.role == "visitor":
                        asked = line
                    elif asked is not None and _is_missed(line):
                        yield session.session_id, asked
                        asked = None
            if page.next_cursor is None:
                return
            query = msgspec.structs.replace(query, cursor=page.next_cursor)


class AnswersHandler(AdminHandler):
    """The owner's answers, used from the next question on, in every process."""

    async def get(self, site_id: str) -> None:
        self.answer(await self.dependencies.answers.read(self.site(site_id).id))

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        wanted = self.numbers_body(OwnerAnswerList)
        for place, one in enumerate(wanted.answers):
            if not (one.text.strip() or one.url):
                raise Problem("invalid_request", "An answer has a text, a url, or both.", path=f"$.answers[{place}]")
            if one.url and not _is_of_site(one.url, site):
                raise Problem("invalid_request", "The url is a page of the site.", path=f"$.answers[{place}].url")
        stored = await self.dependencies.answers.write(site.id, wanted)
        await self.dependencies.audit(self.account, site.id, "answers.changed", answers=len(stored.answers))
        self.answer(stored)


def _is_missed(line: _Line) -> bool:
    data = line.data if isinstance(line.data, dict) else {}
    return line.role == "assistant" and (
        line.kind == "error" or (data.get("answered") is False and "choices" not in data)
    )


def _key(question: str) -> str:
    return " ".join(terms(question)) or " ".join(question.split()).casefold()


def _is_of_site(url: str, site: Site) -> bool:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    if scheme not in ("http", "https") or any(char in url for char in ' \n\r\t<>"\\'):
        return False
    try:
        Sites([site]).find(f"{scheme}://{host}", None, "GET", None)
    except (HostNotRegistered, OriginRequired, ValueError):
        return False
    return True
