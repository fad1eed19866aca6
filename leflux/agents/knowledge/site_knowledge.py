"""Everything that is known of one site, made from its pages once. It only uses the CPU: make it in a thread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from leflux.agents.knowledge.choosing import Chooser
from leflux.agents.knowledge.contact import Contact, contact_of
from leflux.agents.knowledge.lexicon import Lexicon
from leflux.agents.knowledge.offers import Offer, offers
from leflux.agents.knowledge.page_names import PageNames
from leflux.agents.knowledge.search import SearchIndex
from leflux.agents.knowledge.translation import Translated, translated
from leflux.sites.crawled_pages import CrawledPage, Head

if TYPE_CHECKING:
    # The SDK is large: it is loaded only where an endpoint is configured.
    from leflux.agents.knowledge.embeddings import Meaning


class SiteKnowledge(Struct, frozen=True):
    head: Head
    index: SearchIndex
    lexicon: Lexicon
    offers: Sequence[Offer]
    chooser: Chooser
    contact: Contact
    names: PageNames
    meaning: "Meaning | None" = None

    @classmethod
    def build(cls, head: Head, pages: list[CrawledPage], name: str = "") -> "SiteKnowledge":
        index = SearchIndex.build(pages)
        spoken = {word for page in index.pages for word in _spoken(page, index)}
        named = " ".join({record.name for page in pages for record in page.records if record.kind == "site"} | {name})
        lexicon = Lexicon(index.words, spoken, index.rarity, index.words.words(named))
        offered = offers(index.pages, index.words.terms)
        return cls(
            head=head,
            index=index,
            lexicon=lexicon,
            offers=offered,
            chooser=Chooser(index, lexicon, offered),
            contact=contact_of(index.pages),
            names=PageNames(index.pages, index.words, head.start),
        )

    def translated(self, text: str, locale: str) -> Translated | None:
        """The question in the site's language; None when it is in it. Only English sites are asked in others."""
        if self.index.words.lang != "en":
            return None
        return translated(text, locale, self.lexicon.english)

    def offer_on(self, url: str) -> Offer | None:
        """What the page at this address is about."""
        path = url.partition("#")[0].partition("?")[0].split("://", 1)[-1].partition("/")[2]
        for offer in self.offers:
            if (
                self.index.pages[offer.page].url.split("://", 1)[-1].partition("/")[2] == path
                and offer.section.level == 1
            ):
                return offer
        return None


def _spoken(page: CrawledPage, index: SearchIndex) -> set[str]:
    texts = [page.title, *(section.heading for section in page.sections)]
    texts += [block.text for section in page.sections for block in section.blocks if block.kind != "code"]
    return set(index.words.words("\n".join(texts)))
