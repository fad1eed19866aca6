"""What a crawl may raise.

CrawlError              carries a machine `code` and a sentence for the owner
├── BlockedUrl          `blocked_url`: a scheme, a host or an address that must not be called
├── CrawlBusy           `conflict`: the site is being crawled already
└── Unreachable         `unreachable`: the start page cannot be read
"""


class CrawlError(Exception):
    """Base of the errors that a crawl raises."""

    code = "crawl_failed"


class BlockedUrl(CrawlError):
    """The URL is outside the site, or its host resolves to an address that is not public."""

    code = "blocked_url"


class CrawlBusy(CrawlError):
    """Another crawl of the site is running, in this process or another."""

    code = "conflict"


class Unreachable(CrawlError):
    """The start page could not be read. Nothing was changed."""

    code = "unreachable"
