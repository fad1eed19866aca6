"""Cross-origin headers, for pages of the sites that embed the chat."""

import re

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
MAX_NAMES = 64
MAX_AGE_SECONDS = 86_400
ALWAYS = "Content-Type"


def origin_headers(origin: str | None) -> dict[str, str]:
    """Lets a page of `origin`, which has been admitted, read the answer."""
    headers = {"Vary": "Origin"}
    if origin:
        headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}
    return headers


def preflight_headers(methods: str, requested: str) -> dict[str, str]:
    """Allows the headers that a preflight asks for: a page may wrap its `fetch` and add some of its own."""
    names = [name for name in map(str.strip, requested.split(",")[:MAX_NAMES]) if _NAME.fullmatch(name)]
    return {
        "Vary": "Origin, Access-Control-Request-Headers",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(dict.fromkeys([ALWAYS, *names])),
        "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
    }
