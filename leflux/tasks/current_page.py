"""The visitor's page: its address and its description, as far as this process knows."""

from collections.abc import Callable
from typing import Any

import msgspec

from backends.base import Messages
from backends.records import SessionRef
from leflux.tasks.checks import PageDescription


class CurrentPages:
    """`url(session_id)`: the page of the session's socket here, "" when it has none or does not say.

    `belongs(site_id, url)`: whether a URL is the site's own. `hosts(site_id)`: its host names.
    """

    def __init__(
        self,
        store: Messages,
        url: Callable[[str], str],
        belongs: Callable[[str, str], bool],
        hosts: Callable[[str], list[str]],
    ) -> None:
        self._store = store
        self._url = url
        self._belongs = belongs
        self.hosts = hosts

    async def page(self, ref: SessionRef) -> PageDescription:
        """The socket's URL comes first: the stored context may describe the page before."""
        stored, _ = await self._store.context(ref)
        context: Any = msgspec.json.decode(stored) if stored is not None else {}
        told = context.get("url")
        url = self._url(ref.session_id) or (told if isinstance(told, str) else "")
        return PageDescription(url, context, lambda address: self._belongs(ref.site_id, address))
