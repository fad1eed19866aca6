"""docs/protocol.md#sites: which site an Origin belongs to."""

import pytest

from leflux.sites.registry import HostNotRegistered, OriginRequired, Site, Sites, canonical_host

SITES = Sites(
    [
        Site("acme", "Acme", ["acme.com", "www.twin.com", "localhost", "127.0.0.1", "[::1]"]),
        Site("strict", "Strict", ["strict.com"], subdomains=False),
        Site("inner", "Inner", ["inner.acme.com"]),
        Site("idn", "Idn", ["müller.de", "straße.de"]),
        Site("puny", "Puny", ["xn--bcher-kva.ch"]),
    ]
)


def find(origin: str | None, fetch_site: str | None = None, method: str = "POST", host: str | None = None) -> str:
    return SITES.find(origin, fetch_site, method, host).id


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://acme.com", "acme"),
        ("http://acme.com", "acme"),
        ("https://acme.com:8443", "acme"),
        ("https://ACME.Com:443", "acme"),
        ("HTTPS://acme.com", "acme"),
        ("https://acme.com.", "acme"),
        ("https://www.acme.com", "acme"),
        ("https://twin.com", "acme"),
        ("https://www.twin.com", "acme"),
        ("https://app.acme.com", "acme"),
        ("https://a.b.c.acme.com", "acme"),
        ("https://inner.acme.com", "inner"),
        ("https://deep.inner.acme.com", "inner"),
        ("https://strict.com", "strict"),
        ("https://www.strict.com", "strict"),
        ("http://localhost:3000", "acme"),
        ("http://127.0.0.1:3000", "acme"),
        ("http://[::1]:3000", "acme"),
        ("http://[0:0:0:0:0:0:0:1]", "acme"),
        ("https://müller.de", "idn"),
        ("https://xn--mller-kva.de", "idn"),
        ("https://MÜLLER.de", "idn"),
        ("https://shop.xn--mller-kva.de", "idn"),
        ("https://bücher.ch", "puny"),
    ],
)
def test_a_registered_host_is_found(origin: str, site: str) -> None:
    assert find(origin) == site


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evilacme.com",
        "https://acme.com.evil",
        "https://acme.com.evil.com",
        "https://acme.co",
        "https://com",
        "https://acme.com@evil.com",
        "https://evil.com#acme.com",
        "https://evil.com/acme.com",
        "https://evil.com?acme.com",
        "https://acme.com\\evil.com",
        "https://acme.com/",
        "https://acme.com https://acme.com",
        "https://acme.com, https://evil.com",
        "ftp://acme.com",
        "javascript://acme.com",
        "acme.com",
        "//acme.com",
        "https://",
        "https://.acme.com",
        "https://acme..com",
        "https://acme.com:99999",
        "https://acme.com:",
        "https://acme.com:port",
        "https://app.strict.com",
        "https://1.127.0.0.1",
        "https://127.0.0.2",
        "https://[::2]",
        "https://[::1",
        "https://muller.de",
        "https://аcme.com",
        "https://acme.com\n",
        "https://acme.com\x00",
        "https://%61cme.com",
        "https://" + "a" * 70 + ".acme.com",
        "x" * 100_000,
    ],
)
def test_every_other_host_is_not_registered(origin: str) -> None:
    with pytest.raises(HostNotRegistered):
        find(origin)


@pytest.mark.parametrize(
    ("fetch_site", "method"),
    [(None, "GET"), ("", "GET"), ("cross-site", "GET"), ("same-site", "GET"), ("same-origin", "POST"), ("none", "GET")],
)
@pytest.mark.parametrize("origin", [None, ""])
def test_an_absent_origin_is_required(origin: str | None, fetch_site: str | None, method: str) -> None:
    with pytest.raises(OriginRequired):
        find(origin, fetch_site, method, "acme.com")


def test_a_same_origin_get_is_judged_by_its_host() -> None:
    assert find(None, "same-origin", "GET", "acme.com:8080") == "acme"
    for host in ("evil.com", None, "", "acme.com/", "acme.com:99999", "user@acme.com"):
        with pytest.raises(HostNotRegistered):
            find(None, "same-origin", "GET", host)


def test_one_host_cannot_belong_to_two_sites() -> None:
    with pytest.raises(ValueError, match="belongs to two sites"):
        Sites([Site("a", "A", ["x.com"]), Site("b", "B", ["X.com."])])
    with pytest.raises(ValueError, match="is not a host"):
        Sites([Site("a", "A", ["https://x.com"])])


def test_a_host_given_exactly_wins_over_an_implied_twin() -> None:
    sites = Sites([Site("a", "A", ["x.com"]), Site("b", "B", ["www.x.com"])])
    assert sites.find("https://www.x.com", None, "POST", None).id == "b"
    assert sites.find("https://x.com", None, "POST", None).id == "a"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (" Acme.COM. ", "acme.com"),
        ("[::0001]", "::1"),
        ("010.0.0.1", "010.0.0.1"),
        ("-a.com", None),
        ("a-.com", None),
        ("", None),
        (".", None),
        ("a b", None),
        ("☃\u200d.com", None),
    ],
)
def test_canonical_host(text: str, host: str | None) -> None:
    assert canonical_host(text) == host


def test_the_widget_is_told_a_sites_host_names() -> None:
    sites = Sites(
        [
            Site("shop", "Shop", ["shop.test", "127.0.0.1", "::1"]),
            Site("bare", "Bare", ["www.bare.test"], subdomains=False),
        ]
    )
    assert {".shop.test", "shop.test", "www.shop.test", "127.0.0.1", "[::1]"} <= set(sites.hosts("shop"))
    assert sorted(sites.hosts("bare")) == ["bare.test", "www.bare.test"]
