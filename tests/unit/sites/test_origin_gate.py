"""The gate: doubled headers, and the address behind trusted proxies only."""

from dataclasses import dataclass, field

import pytest
from tornado.httputil import HTTPHeaders

from leflux.protocol import Problem
from leflux.sites.origin_gate import OriginGate
from leflux.sites.registry import Site, Sites

SITES = Sites([Site("acme", "Acme", ["acme.com"])])


@dataclass
class Asked:
    """A request as far as the gate looks at it, with Tornado's own headers."""

    remote_ip: str | None = "203.0.113.9"
    method: str | None = "GET"
    headers: HTTPHeaders = field(default_factory=HTTPHeaders)


def asked(*headers: tuple[str, str], remote_ip: str | None = "203.0.113.9", method: str = "GET") -> Asked:
    request = Asked(remote_ip, method)
    for name, value in headers:
        request.headers.add(name, value)
    return request


def refused(request: Asked) -> str:
    with pytest.raises(Problem) as problem:
        OriginGate(SITES, []).admit(request)
    assert problem.value.status == 403
    return problem.value.code


def test_a_registered_origin_is_admitted() -> None:
    assert OriginGate(SITES, []).admit(asked(("Origin", "https://acme.com"))).id == "acme"


def test_a_missing_origin_and_a_foreign_one_have_codes_of_their_own() -> None:
    assert refused(asked()) == "origin_required"
    assert refused(asked(("Origin", "https://evil.com"))) == "host_not_registered"
    assert refused(asked(("Origin", "null"))) == "host_not_registered"


def test_doubled_headers_are_refused() -> None:
    assert refused(asked(("Origin", "https://acme.com"), ("Origin", "https://acme.com"))) == "host_not_registered"
    same_origin = ("Sec-Fetch-Site", "same-origin")
    hosts = (("Host", "acme.com"), ("Host", "acme.com"))
    assert refused(asked(same_origin, *hosts)) == "host_not_registered"
    assert refused(asked(same_origin, same_origin, ("Host", "acme.com"))) == "origin_required"
    assert OriginGate(SITES, []).admit(asked(same_origin, ("Host", "acme.com"))).id == "acme"


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ([], "203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        (["10.0.0.0/8"], "203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", [], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["10.0.0.0/8"], "10.0.0.1", ["garbage"], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1, garbage, 10.0.0.2"], "10.0.0.2"),
        (["10.0.0.1"], "10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        (["::1/128"], "::1", ["1.1.1.1"], "1.1.1.1"),
        (["10.0.0.0/8"], None, ["1.1.1.1"], ""),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    trusted: list[str], peer: str | None, forwarded: list[str], address: str
) -> None:
    request = asked(*(("X-Forwarded-For", value) for value in forwarded), remote_ip=peer)
    assert OriginGate(SITES, trusted).address(request) == address
