"""Removes what answers nothing: what every page of a site repeats (menus, cookie notices, footers), and what is
written for a bot.
"""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from leflux.agents.knowledge.statements import sentences
from leflux.sites.crawled_pages import Block, CrawledPage

SHARE = 0.4
MIN_PAGES = 3
# Text that speaks to a bot and not to a visitor: somebody has planted it. It would not be followed, but quoted.
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:rules?|instructions?|prompts?|guidelines)\b"
    r"|\b(?:tell|inform|direct|convince) (?:the |every |all |any )?(?:visitors?|users?|customers?)\b"
    r"|\b(?:system prompt|as an? (?:ai|language model)|you are (?:now )?an? (?:ai|assistant|chatbot|bot))\b",
    re.I,
)
_REACHES = re.compile(r"\d[\d ()/.-]{3,}\d|https?:|www\.|\w@\w", re.I)


def without_repetitions(pages: Sequence[CrawledPage]) -> list[CrawledPage]:
    """The same pages, without the blocks and the sections that many of them share."""
    counts = Counter(text for page in pages for text in {_key(b.text) for s in page.sections for b in s.blocks})
    least = max(MIN_PAGES, SHARE * len(pages))
    frame = {text for text, count in counts.items() if count >= least}
    return [_without(page, frame) for page in pages]


def _without(page: CrawledPage, frame: set[str]) -> CrawledPage:
    sections = []
    for section in page.sections:
        said = [block for block in map(_without_orders, section.blocks) if block.text]
        blocks = [block for block in said if block.kind in ("row", "fact") or _key(block.text) not in frame]
        # A heading whose whole text is the frame's belongs to the frame.
        if blocks or not section.blocks:
            sections.append(msgspec.structs.replace(section, blocks=blocks))
    return msgspec.structs.replace(page, sections=sections)


def _without_orders(block: Block) -> Block:
    """Beside an order, nor does a number or an address count."""
    if block.kind == "code" or not _ORDERS.search(block.text):
        return block
    kept = [text for text in sentences(block.text) if not (_ORDERS.search(text) or _REACHES.search(text))]
    return msgspec.structs.replace(block, text=" ".join(kept))


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
