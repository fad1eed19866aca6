"""Harnesses for what is read from a store, from another site and from a file."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from backends.errors import SessionCorrupt
from backends.records import SessionRef
from backends.redis import rows
from leflux.chat.untrusted import PRIOR_BYTES, encode_context, encode_prior
from leflux.config import ConfigError, load
from leflux.crawling.errors import BlockedUrl
from leflux.crawling.extract import Unreadable, extract
from leflux.crawling.robots import parse_sitemap
from leflux.crawling.urls import Scope
from leflux.protocol import ChatRequest, InitRequest, JoinSession, Problem, decode
from leflux.sites.registry import Site

SITE = Site(id="shop", name="Shop", allowed_hosts=["shop.test"])
REF = SessionRef("shop", "00000000-0000-4000-8000-000000000000", 60.0)
_value = st.one_of(st.none(), st.binary(max_size=20), st.integers(-(2**70), 2**70).map(lambda one: str(one).encode()))
RECORDS = st.tuples(
    st.lists(_value, min_size=18, max_size=18), st.none() | st.binary(max_size=20), st.binary(max_size=60)
)
RECORD_CORPUS: list[Any] = [
    ([b"1"] * 18, None, b""),
    ([b"\xff"] * 18, b"{}", b"\x97\x01\x02\x03\xc2\xc2\xa2[]\xa0"),
    ([None] * 18, None, b"\xdd\xff\xff\xff\xff"),
]


def check_records(record: Any) -> None:
    """What is no record quarantines its session, and nothing else is raised."""
    values, body, line = record
    with suppress(SessionCorrupt):
        rows.snapshot(REF, [values, body, []])
    entry = rows.log_entry("shop", REF.session_id, line)
    assert entry is None or entry.site_id == "shop"


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.just("__proto__"), inner, max_size=4)
    ),
    max_leaves=10,
)
_field = st.sampled_from(
    ["sessionId", "clientMessageId", "message", "context", "websiteUrl", "priorHistory", "since", "page"]
)
_body = st.dictionaries(_field, _json, max_size=6).map(lambda body: msgspec.json.encode(body))
BODIES = st.one_of(
    _body, st.binary(max_size=60), st.tuples(_body, st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]])
)
BODY_CORPUS = [
    b"[" * 50_000,
    b'{"websiteUrl": "\\ud800"}',
    b'{"sessionId": "x", "clientMessageId": "a", "message": "b",'
    b' "context": {"__proto__": {"__proto__": 9007199254740993}}}',
    b'{"websiteUrl": "x", "priorHistory": [{"role": "visitor", "text": "' + b"x" * 19_000 + b'"}]}',
    b"\xed\xa0\x80",
]


def check_bodies(body: bytes) -> None:
    """A body is a request or a problem; what is kept of a context holds no prototype and no number beyond 2^53."""
    for kind in (InitRequest, ChatRequest, JoinSession):
        try:
            found: Any = decode(body, kind)
            if isinstance(found, ChatRequest) and found.context is not None:
                kept = encode_context(found.context, 65_536)
                assert b'"__proto__":' not in kept
                assert encode_context(msgspec.json.decode(kept), 65_536) == kept
            if isinstance(found, InitRequest):
                assert len(encode_prior(found.prior_history) or b"") <= PRIOR_BYTES
        except Problem as problem:
            status = problem.status
        else:
            continue
        assert 400 <= status < 500


_tag = st.sampled_from(
    [b"<urlset>", b"</urlset>", b"<sitemapindex>", b"<url>", b"<loc>", b"</loc>", b"<:u/>", b"<u:loc>",
     b"<?xml version='1.0'?>",
     b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"<!--", b"-->", b"<![CDATA[", b"http://shop.test/a", b"http://[x",
     b"//", b"javascript:x", b"\x00", b"\xff", b" ", b"<loc xmlns='x'>", b"http://shop.test:99999/"]
)  # fmt: skip
SITEMAPS = st.one_of(st.lists(_tag, max_size=14).map(b"".join), st.binary(max_size=100))
SITEMAP_CORPUS = [
    b"<:u/>",
    b"<urlset><:u><loc>x</loc></:u></urlset>",
    b"<!--x-->",
    b"<urlset><url><loc>http://[x</loc></url></urlset>",
]


def check_sitemaps(xml: bytes) -> None:
    """Whatever a sitemap says, its pages are pages of the site."""
    scope = Scope(SITE, "http://shop.test/")
    maps, pages = parse_sitemap(xml)
    for entry in [*maps, *pages]:
        page = scope.page(entry, "http://shop.test/sitemap.xml")
        assert page is None or page.startswith(("http://shop.test", "https://shop.test", "http://www.shop.test"))
        with suppress(BlockedUrl):
            scope.normal(entry, scope.start)


_html = st.sampled_from(
    [b"<p>", b"</p>", b"<table>", b"<tr>", b"<td>", b"<ul>", b"<li>", b"<h1>", b"</h1>", b"<a href='", b"http://[x",
     b"'>", b"<base href='//[", b"<code>", b"<svg>", b"<![CDATA[", b"<meta charset=",
     b"<link rel=canonical href='", b"word ",
     b"&#0;", b"&#xd800;", b"<body", b"\x00", b"\xff\xfe", b"<html lang=", b"<title>",
     b"<meta name=robots content=", b"none'>"]
)  # fmt: skip
PAGES = st.one_of(st.lists(_html, max_size=20).map(b"".join), st.binary(max_size=100))
PAGE_CORPUS = [b"", b"\x00", b"<base href='http://[x'><a href='y'>z</a>", b"<link rel='canonical' href='http://[x'>"]


def check_pages(body: bytes) -> None:
    """Whatever a page is, it is read or it is unreadable."""
    try:
        found = extract(body, "http://shop.test/", None)
    except Unreadable:
        return
    assert all(len(link.url) <= 4_096 for link in found.links)
    msgspec.msgpack.encode(found)


_yaml = st.sampled_from(
    ["server:", "sites:", "storage:", "limits:", "  port: ", "  - id: ", "    allowed_hosts: ", "[", "]",
     "{", "}", "&a",
     "*a", "!!python/object:x", "<<: *a", "- ", "a", "8080", "1e309", ".nan", "\t", "\n", "\n  ", ": ", "#", "${X}",
     "${X:-", "\x00", "'", '"', "|", ">", "memory", "backend: ", "2024-01-01", "0x10", "yes", "~", "\u2028", "\ud800"]
)  # fmt: skip
CONFIGURATIONS = st.lists(_yaml, max_size=14).map("".join)
CONFIGURATION_CORPUS = [
    "", "sites: 1", "a: &a [*a]", "sites: [{}]", "? [a]: b", "{a: b, a: c}", "server: {port: 1e309}",
     "--- \n---", "\x00",
    "!!binary x", "<<: 1", "server: {port: !!float x}", "a: !!timestamp x", "sites:\n- id: a\n  allowed_hosts: [http://[x]",
]  # fmt: skip


def check_configurations(text: str) -> None:
    """A configuration is read, or every problem is told with its line."""
    with tempfile.TemporaryDirectory(prefix="leflux-fuzz-") as folder:
        file = Path(folder) / "leflux.yaml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            load(file)
        except ConfigError as error:
            problem = str(error)
        else:
            return
        assert "leflux.yaml" in problem
