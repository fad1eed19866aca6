"""Where the visitor's page is, and what it looks like, as well as this process can tell."""

from collections.abc import Callable
from typing import Any

import msgspec

from backends.base import SessionStore
from backends.records import SessionRef
from leflux.tasks.checks import Page


class Pages:
    """`url(session_id)`: the page of the session's socket here, "" when it has none or does not say.

    `belongs(site_id, url)`: whether a URL is the site's own.
    """

    def __init__(self, store: SessionStore, url: Callable[[str], str], belongs: Callable[[str, str], bool]) -> None:
        self._store = store
        self._url = url
        self._belongs = belongs

    async def page(self, ref: SessionRef) -> Page:
        """What the socket said last is newer than the stored context, which may describe the page before."""
        stored, _ = await self._store.context(ref)
        context: Any = msgspec.json.decode(stored) if stored is not None else {}
        told = context.get("url")
        url = self._url(ref.session_id) or (told if isinstance(told, str) else "")
        return Page(url, context, lambda address: self._belongs(ref.site_id, address))
