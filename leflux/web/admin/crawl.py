"""Reading a site's pages, for the knowledge agent to answer from."""

from msgspec import Struct

from leflux.crawling.errors import CrawlError
from leflux.protocol import Problem, Url
from leflux.sites.crawled_pages import Head
from leflux.web.admin.base import AdminHandler


class CrawlRequest(Struct):
    url: Url


class CrawlHandler(AdminHandler):
    """How far the newest crawl is; a POST begins one, and is `conflict` while another runs."""

    async def get(self, site_id: str) -> None:
        self.answer((await self.dependencies.crawl_progress(self.site(site_id).id)).described())

    async def post(self, site_id: str) -> None:
        site = self.site(site_id)
        request = self.json_body(CrawlRequest)
        head = await self.dependencies.crawls.progress(site.id)
        if head.state == "running":
            raise Problem("conflict", "A crawl of this site is running already.")
        try:
            self.dependencies.crawls.start(site.id, request.url)
        except CrawlError as error:
            raise Problem(error.code, str(error), path="$.url") from None
        await self.dependencies.audit(self.account, site.id, "crawl.started", url=request.url)
        self.answer(Head(pages=head.pages, start=request.url, state="running").described(), 202)
