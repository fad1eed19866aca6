"""Cuts a section into passages."""

from collections.abc import Iterator, Sequence

from leflux.site_pages import Block, Section

PASSAGE_WORDS = 120
LABEL_WORDS = 4


def is_label(section: Section) -> bool:
    """A word or two above the first heading, which say to what the page belongs and answer nothing."""
    words = sum(len(block.text.split()) for block in section.blocks)
    return not section.heading and words < LABEL_WORDS and all(block.kind == "p" for block in section.blocks)


def portions(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Neighbouring blocks, together about `PASSAGE_WORDS` long; a heading without text is a passage too."""
    portion: list[Block] = []
    words = 0
    for block in blocks:
        length = block.text.count(" ") + 1
        if portion and words + length > PASSAGE_WORDS:
            yield portion
            portion, words = [], 0
        portion.append(block)
        words += length
    yield portion
