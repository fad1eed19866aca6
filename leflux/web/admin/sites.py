"""An owner's sites, how their chat looks, and the playbook that it acts by."""

import asyncio
import time

from backends.records import LogQuery
from leflux.owner.accounts import EVERY_SITE
from leflux.owner.appearance import SiteSettings
from leflux.protocol.owner_api import SiteSummary
from leflux.sites.registry import Site
from leflux.web.admin.base import AdminHandler, now_ms

DAY_MS = 86_400_000
# Sessions beyond this are not counted any more.
COUNTED, PAGE = 1_000, 200
REMEMBERED = 10.0


class SitesHandler(AdminHandler):
    """`{sites: [{id, name, allowedHosts, sessions24h, snippet}], warnings}`; counts up to a thousand sessions a site.

    `warnings`: what is wrong with the stores, for an owner who sees every site.
    """

    async def get(self) -> None:
        mine = [site for site in self.dependencies.sites.values() if self.account.may_see(site.id)]
        warnings = list(self.dependencies.warnings()) if EVERY_SITE in self.account.sites else []
        self.answer({"sites": await asyncio.gather(*(self._described(site) for site in mine)), "warnings": warnings})

    async def _described(self, site: Site) -> SiteSummary:
        snippet = f'<script src="{self.dependencies.public_address}/embed.js" async></script>'
        return SiteSummary(site.id, site.name, site.allowed_hosts, await self._sessions(site.id), snippet)

    async def _sessions(self, site_id: str) -> int:
        known = self.dependencies.recent.get(site_id)
        if known is not None and time.monotonic() - known[0] < REMEMBERED:
            return known[1]
        start, cursor, count = now_ms() - DAY_MS, None, 0
        while count < COUNTED:
            page = await self.dependencies.storage.log.sessions(
                site_id, LogQuery(start=start, cursor=cursor, limit=PAGE)
            )
            count, cursor = count + len(page.sessions), page.next_cursor
            if cursor is None:
                break
        self.dependencies.recent[site_id] = (time.monotonic(), count)
        return count


class SettingsHandler(AdminHandler):
    """`{config, version, defaults}`; a PUT's `config` is the whole appearance, and a stale `version` is `conflict`."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        self.answer(await self.dependencies.appearances.read(site.id) | {"allowedHosts": site.allowed_hosts})

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        wanted = self.json_body(SiteSettings)
        answer = await self.dependencies.appearances.change(site.id, wanted)
        await self.dependencies.rules_changed()
        await self.dependencies.audit(self.account, site.id, "settings.changed", version=answer["version"])
        self.answer(answer | {"allowedHosts": site.allowed_hosts})


class PlaybookHandler(AdminHandler):
    """`{kind, text, tasks}`: what the playbook's file says; it is changed there."""

    def get(self, site_id: str) -> None:
        self.site(site_id)
        self.answer(self.dependencies.playbook)
