"""Strings over all of Unicode, and over what is no Unicode text but can be in a string of JavaScript."""

import re
from random import Random

LONGEST = 5_000
_PLANES = [
    (0x20, 0x7E),  # ASCII
    (0x00, 0x00),  # NUL
    (0x01, 0x1F),  # controls
    (0x7F, 0x9F),
    (0xA0, 0x2FFF),
    (0x200B, 0x200F),  # zero width and marks of direction
    (0x2028, 0x202E),  # separators of lines, and what embeds and overrides a direction
    (0x2066, 0x2069),  # isolates
    (0x0300, 0x036F),  # combining marks
    (0xD800, 0xDBFF),  # halves of pairs
    (0xDC00, 0xDFFF),
    (0xFDD0, 0xFDEF),  # noncharacters
    (0xFFFE, 0xFFFF),
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xE000, 0xF8FF),  # private use
    (0x1F300, 0x1FAFF),  # emoji
    (0x10000, 0x10FFFF),
]


def random_text(random: Random) -> str:
    """Mostly short; one in fifty is about as long as a message may be."""
    longest = random.choice([1, 4, 30, 300])
    length = random.randint(LONGEST - 3, LONGEST + 3) if random.random() < 0.02 else random.randint(0, longest)
    # Most strings mix a few kinds: with all of them, nearly every one would hold a NUL.
    kinds = random.sample(_PLANES, random.randint(1, 4))
    units = "".join(chr(random.randint(*random.choice(kinds))) for _ in range(length))
    return as_javascript(units)


def as_javascript(text: str) -> str:
    """The same string as JavaScript sees it: a high half and a low half that meet are one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def well_formed(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
