"""Which addresses a crawl may call, and what a sitemap that is none lists."""

import pytest

from leflux.crawling.errors import BlockedUrl
from leflux.crawling.network import PinnedBackend, is_public
from leflux.crawling.robots import parse_sitemap


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.0.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0::1",
        "::127.0.0.1", "2001:db8::1", "no address",
        "fec0::1", "3fff::1", "5f00::1", "::ffff:0:127.0.0.1", "100::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("listed", "host", "port", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1", 81, True),
        ("127.0.0.1:81", "127.0.0.1", 81, True),
        ("127.0.0.1:81", "127.0.0.1", 82, False),
        ("::1", "::1", 81, True),
        ("[::1]:81", "::1", 81, True),
        ("[::1]:81", "::1", 82, False),
    ],
)
async def test_a_private_host_may_be_listed_with_its_port(listed: str, host: str, port: int, allowed: bool) -> None:
    backend = PinnedBackend([listed])
    if allowed:
        assert await backend.resolve(host, port) == [host]
    else:
        with pytest.raises(BlockedUrl):
            await backend.resolve(host, port)


@pytest.mark.parametrize(
    "xml", [b"<:u/>", b"<u:/>", b"<!-- -->", b"<?pi?>", b"", b"\x00", b"<a:b:c/>", b"<\xc3\x28/>", b"<" * 999]
)
def test_a_sitemap_that_is_none_lists_nothing(xml: bytes) -> None:
    assert parse_sitemap(xml) == ([], [])
