"""Which URLs belong to a crawl, and which are the same page."""

import pytest

from leflux.crawling.errors import BlockedUrl
from leflux.crawling.urls import Scope
from leflux.sites.registry import Site

SITE = Site(id="shop", name="Shop", allowed_hosts=["shop.test"])
BASE = "http://shop.test/a/b"


@pytest.fixture
def scope() -> Scope:
    return Scope(SITE, "http://shop.test:8080/")


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("c", "http://shop.test/a/c"),
        ("/../x/./y/../z#part", "http://shop.test/x/z"),
        ("HTTP://Shop.Test:80/", "http://shop.test/"),
        ("//shop.test:8080", "http://shop.test:8080/"),
        ("/größe und preis", "http://shop.test/gr%C3%B6%C3%9Fe%20und%20preis"),
        ('/a"<b>', "http://shop.test/a%22%3Cb%3E"),
        ("/?utm_source=x&page=2&SID=9&", "http://shop.test/?page=2"),
    ],
)
def test_a_link_has_one_normal_form(scope: Scope, url: str, normal: str) -> None:
    assert scope.normal(url, BASE) == normal
    assert scope.page(url, BASE) == normal


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@shop.test",
        "javascript:alert(1)",
        "http://name@shop.test/",
        "http://:secret@shop.test/",
        "http://shop.test:port/",
        "http://[::1/",
        "/" + "x" * 3_000,
    ],
)
def test_what_is_no_web_address_is_refused(scope: Scope, url: str) -> None:
    with pytest.raises(BlockedUrl):
        scope.normal(url, BASE)
    assert scope.page(url, BASE) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://other.test/",
        "http://shop.test:22/",
        "http://[2001:db8::1]/",
        "/a/a/a/a",
        "/" + "/".join("abcdefghijklmnopq"),
        "/picture.JPG",
        "/archive.tar.gz",
    ],
)
def test_another_site_a_file_or_a_trap_is_no_page(scope: Scope, url: str) -> None:
    assert scope.page(url, BASE) is None


def test_a_start_outside_of_the_site_is_refused() -> None:
    for start in ("http://other.test/", "http://shop.test:x/", "ftp://shop.test/"):
        with pytest.raises(BlockedUrl):
            Scope(SITE, start)
