"""Whether a site's pages show the chat, and which hosts are turned away."""

from msgspec import Struct

from leflux.crawling.errors import CrawlError
from leflux.owner.accounts import EVERY_SITE
from leflux.protocol import Problem, Url
from leflux.sites.registry import Site
from leflux.web.admin.base import AdminHandler


class CheckRequest(Struct):
    url: Url


class CheckHandler(AdminHandler):
    """`{checks: [{name, state, text, fix}]}` of one page."""

    async def post(self, site_id: str) -> None:
        from leflux.crawling.site_check import check_page  # Imports lxml.

        site = self.site(site_id)
        url, needed = self.json_body(CheckRequest).url, self.dependencies
        needed.check_limit.spend(self.account.email)
        sites, crawler = needed.turned_away.sites, needed.settings.crawler
        try:
            checks = await check_page(site, url, sites, needed.public_address, crawler)
        except CrawlError as error:
            raise Problem(error.code, str(error), path="$.url") from None
        self.answer({"checks": checks})


class TurnedAwayHandler(AdminHandler):
    """`{hosts: [{host, visitors, firstSeen, lastSeen}]}`. Who may see some sites only is shown hosts beside theirs."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        found = await self.dependencies.turned_away.hosts()
        if EVERY_SITE not in self.account.sites:
            found = [entry for entry in found if _is_beside(entry.host, site)]
        self.answer({"hosts": found})


def _is_beside(host: str, site: Site) -> bool:
    """Whether a host and one of the site's end with the same two names."""
    return _ending(host) in {_ending(own) for own in site.allowed_hosts}


def _ending(host: str) -> str:
    return ".".join(host.lower().split(".")[-2:])
