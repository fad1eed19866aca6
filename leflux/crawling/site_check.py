"""Checks a page of a site as a visitor's browser would see it: the snippet, the host, the certificate, the policy."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urljoin, urlsplit

import lxml.html
from msgspec import Struct

from leflux.config import CrawlerSettings
from leflux.crawling.csp import allows
from leflux.crawling.errors import BlockedUrl
from leflux.crawling.fetch import Fetched, Fetcher, FetchFailed
from leflux.crawling.urls import Scope
from leflux.sites.registry import HostNotRegistered, Site, Sites

State = Literal["good", "warning", "bad"]
LOADER = "/embed.js"
TAGS = 5_000


class SiteCheck(Struct, frozen=True):
    """What one look at a page found. `fix`: a line to copy, when there is one."""

    name: Literal["page", "certificate", "snippet", "host", "policy"]
    state: State
    text: str
    fix: str | None = None


class _AnyHost(Scope):
    """Every web address: the page is only looked at, and private addresses are refused where the connection is made."""

    def __init__(self) -> None:
        pass

    def refuse_foreign(self, url: str) -> None:
        return None


async def check_page(site: Site, url: str, sites: Sites, public_url: str, settings: CrawlerSettings) -> list[SiteCheck]:
    """Fetch `url` and say what is well and what is not. Raises `BlockedUrl` for what is no web address."""
    scope = _AnyHost()
    start = scope.normal(url)
    async with Fetcher.opened(scope, settings.private_hosts, 1) as fetcher:
        try:
            page = await fetcher.get(start)
        except FetchFailed as failed:
            return _unreadable(start, failed)
        except BlockedUrl as blocked:
            return [SiteCheck("page", "bad", str(blocked))]
    return [SiteCheck("page", "good", f"{page.url} can be read."), *_checks(site, page, sites, public_url.rstrip("/"))]


def _unreadable(url: str, failed: FetchFailed) -> list[SiteCheck]:
    if "certificate" in str(failed).lower():
        return [SiteCheck("certificate", "bad", f"The certificate of {urlsplit(url).hostname} is not good: {failed}.")]
    return [SiteCheck("page", "bad", f"{url} cannot be read: it {failed}.")]


def _checks(site: Site, page: Fetched, sites: Sites, public_url: str) -> Iterator[SiteCheck]:
    if page.url.startswith("https:"):
        yield SiteCheck("certificate", "good", "The certificate is good.")
    else:
        yield SiteCheck("certificate", "warning", "The page is not encrypted. Serve it over https://.")
    try:
        tree = lxml.html.document_fromstring(page.body or b"<p>")
    except (lxml.etree.LxmlError, ValueError):
        yield SiteCheck("snippet", "bad", "The page cannot be read as HTML.")
        return
    tags = [tag for tag in tree.xpath("//script[@src]")[:TAGS] if _is_loader(tag.get("src"), page.url)]
    yield _snippet(tags, page.url, public_url)
    yield _host(site, page.url, sites)
    metas = "//meta[translate(@http-equiv, 'CENOPSTURYIL', 'cenopsturyil')='content-security-policy']/@content"
    policies = [policy for policy in (page.headers.get("content-security-policy"), *tree.xpath(metas)) if policy]
    nonce = tags[0].get("nonce") if tags else None
    yield _policy([part for policy in policies for part in policy.split(",")], page.url, public_url, nonce)


def _is_loader(src: str, page: str) -> bool:
    try:
        return urlsplit(urljoin(page, src)).path.endswith(LOADER)
    except ValueError:
        return False


def _snippet(tags: list[lxml.html.HtmlElement], page: str, public_url: str) -> SiteCheck:
    wanted, line = public_url + LOADER, f'<script src="{public_url}{LOADER}" async></script>'
    found = [urljoin(page, tag.get("src")) for tag in tags]
    if any(urlsplit(src)._replace(query="").geturl() == wanted for src in found):
        return SiteCheck("snippet", "good", "The snippet is there.")
    if found:
        return SiteCheck("snippet", "bad", f"The page loads {found[0][:200]}, and not {wanted}.", line)
    return SiteCheck("snippet", "bad", "The snippet is not in the page. A tag manager may add it later.", line)


def _host(site: Site, page: str, sites: Sites) -> SiteCheck:
    parts = urlsplit(page)
    host, fix = parts.hostname or "", f"allowed_hosts: [{parts.hostname}]"
    try:
        found = sites.find(f"{parts.scheme}://{parts.netloc}", None, "GET", None)
    except HostNotRegistered:
        return SiteCheck("host", "bad", f"{host} is not one of the site's hosts: visitors there are turned away.", fix)
    if found.id != site.id:
        return SiteCheck("host", "bad", f"{host} belongs to another site of this server.")
    return SiteCheck("host", "good", f"{host} is one of the site's hosts.")


def _policy(policies: list[str], page: str, public_url: str, nonce: str | None) -> SiteCheck:
    socket = "ws" + public_url.removeprefix("http")
    wanted = {"script-src": [public_url + LOADER], "connect-src": [public_url + "/", socket + "/"]}
    lines = [
        f"{directive} {public_url}" + (f" {socket}" if directive == "connect-src" else "")
        for directive, urls in wanted.items()
        if not all(allows(policies, directive, url, page, nonce) for url in urls)
    ]
    if lines:
        text = "The page's Content-Security-Policy keeps the chat from running. Add to it what is missing."
        return SiteCheck("policy", "bad", text, "; ".join(lines))
    return SiteCheck("policy", "good", "No Content-Security-Policy keeps the chat from running.")
