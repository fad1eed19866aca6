"""Crawled pages as documents of the settings store."""

from leflux.sites.crawled_pages import DOCUMENT_BYTES, Block, CrawledPage, Section, pack, unpack


def test_a_long_page_is_cut_to_a_document_and_says_so() -> None:
    words = [f"{number * 7919:x}" for number in range(60_000)]
    sections = [Section(str(n), 2, None, [Block("p", " ".join(words[n::30]))]) for n in range(30)]
    kept, packed = pack(CrawledPage(url="u", title="t", sections=sections, digest="d"))
    assert len(packed) <= DOCUMENT_BYTES
    assert kept.truncated
    assert unpack(packed) == kept
    assert unpack(b"garbage") is None
