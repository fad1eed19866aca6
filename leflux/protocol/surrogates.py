r"""Lone surrogates in JSON text. JavaScript may write half of a surrogate pair as an escape (`"\ud83d"`); other parsers
refuse it, as it is no character."""

import re

# The alternatives consume whole escapes, so that the second backslash of `\\` begins none.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def replace_lone_surrogates(text: str) -> str:
    r"""JSON text with every lone surrogate escape replaced by `\ufffd`; all other text is kept."""
    return _ESCAPE.sub(lambda match: r"\ufffd" if match[1] else match[0], text)
