"""Whether a page's Content-Security-Policy lets the chat run: what browsers do with each kind of source."""

import pytest

from leflux.crawling.csp import allows

CHAT, PAGE = "https://chat.test/embed.js", "https://shop.test/a"


@pytest.mark.parametrize(
    ("policy", "is_allowed"),
    [
        ("", True),
        ("img-src 'none'", True),
        ("script-src https://chat.test", True),
        ("script-src chat.test", True),
        ("script-src *.test", True),
        ("script-src *", True),
        ("script-src https:", True),
        ("SCRIPT-SRC chat.test; script-src 'none'", True),
        ("script-src 'none'; script-src-elem chat.test", True),
        ("script-src 'nonce-abc'", True),
        ("script-src 'nonce-abc' 'strict-dynamic'", True),
        ("script-src http://chat.test", True),
        ("default-src chat.test:443", True),
        ("default-src chat.test:*", True),
        ("default-src 'self'", False),
        ("script-src 'none'", False),
        ("script-src 'self' 'unsafe-inline'", False),
        ("script-src chat.test.evil", False),
        ("script-src *.chat.test", False),
        ("script-src chat.test:8443", False),
        ("script-src 'nonce-other'", False),
        ("script-src 'strict-dynamic' chat.test", False),
        ("script-src data:", False),
    ],
)
def test_a_script_of_another_host(policy: str, is_allowed: bool) -> None:
    assert allows([policy], "script-src", CHAT, PAGE, "abc") is is_allowed
    assert allows([policy, "script-src 'none'"], "script-src", CHAT, PAGE, None) is False


@pytest.mark.parametrize(
    ("policy", "is_allowed"),
    [
        ("connect-src wss://chat.test", True),
        ("connect-src chat.test", True),
        ("connect-src *", True),
        ("connect-src https://chat.test", True),
        ("connect-src 'self'", False),
        ("default-src 'none'; connect-src https://other.test", False),
    ],
)
def test_a_socket_of_another_host(policy: str, is_allowed: bool) -> None:
    assert allows([policy], "connect-src", "wss://chat.test/", PAGE) is is_allowed
