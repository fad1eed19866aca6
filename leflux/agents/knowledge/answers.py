"""Answers one question from what is known of a site. It writes no sentence about the site itself: it quotes."""

import re
from collections.abc import Sequence

import yaml
from msgspec import Struct

from leflux.agents.knowledge import contact, forms
from leflux.agents.knowledge.follow_up import is_follow_up, resolved
from leflux.agents.knowledge.judging import agreement
from leflux.agents.knowledge.lexicon import LEAST, SMALL_WORDS, AskedTerm
from leflux.agents.knowledge.offers import Offer, amount
from leflux.agents.knowledge.quoting import inert
from leflux.agents.knowledge.site_knowledge import SiteKnowledge
from leflux.agents.knowledge.term_sets import Scores
from leflux.protocol.owner_api import OwnerAnswer
from leflux.sites.crawled_pages import CrawledPage, Section

ROWS = 3
COMPARED_FACTS = 4
LABEL_SHARE = 0.6
OWN_FORM = 0.9
# How much of each other's words two questions hold that are one.
SAME_QUESTION = 0.8
# Words that only say that one wants to reach somebody, or when.
_CONTACT_WORDS = frozenset(yaml.safe_load(SMALL_WORDS.read_text("utf-8"))["contact"].split())
_NAMES_A_PAGE = re.compile(
    r"\W*(?:what (?:is|are)|who (?:is|are)|tell me (?:more )?about|explain|define|\S+(?: \S+){0,2}\W*$"
    r"|(?:which|what) \w+ (?:are there|do you (?:have|sell|offer|make)))",
    re.I,
)
_ABOUT_PAGE = re.compile(r"\b(?:policy|policies|info|information|conditions|terms|tell me about)\b", re.I)
_AVAILABLE = re.compile(r"\b(?:in stock|available|availability|sold out)\b", re.I)


class Quoted(Struct, frozen=True):
    """An answer: lines of the site's text, and the pages that say so. `choices`: things of which one is to be named."""

    lines: Sequence[str] = ()
    sources: Sequence[tuple[CrawledPage, Section | None]] = ()
    choices: Sequence[str] = ()


class QuestionReader:
    """Reads the questions to one site. `before`: the visitor's questions before; `here`: the address of their page."""

    def __init__(self, site: SiteKnowledge, before: Sequence[str], here: str, locale: str = "en") -> None:
        self._site = site
        self._locale = locale
        self._terms = site.index.words.terms
        self._before = before
        # The language in which the site's words have to be introduced; None when it is the visitor's.
        self.foreign: str | None = None
        self._likeness: Scores | None = None
        self._here = site.offer_on(here) if here else None

    def understood(self, text: str) -> str:
        """The question in the site's language, with slips of the pen mended."""
        found = self._site.translated(text, self._locale)
        self.foreign = found.lang if found is not None else None
        return self._site.lexicon.corrected(found.text if found is not None else text)

    def question(self, text: str) -> str:
        """The question with what it leaves out."""
        before = [self.understood(question) for question in self._before]
        asked = self.understood(text)
        return resolved(asked, before, self._terms, self._names, self._here.name if self._here else "")

    def answer(self, text: str, likeness: Scores | None = None) -> Quoted | None:
        """`likeness`: how close each passage is to the question in meaning."""
        self._likeness = likeness
        asked, whole = self.understood(text), self.question(text)
        if (found := self._found(whole)) is not None:
            return found
        if whole != asked and not self._names(whole) and self._content(asked):
            return self._found(asked)
        if whole == asked and is_follow_up(asked, self._terms, self._names):
            return self._choices(asked)
        return None

    def _names(self, text: str) -> list[str]:
        return [offer.name for offer in self._site.chooser.named(text)]

    def _content(self, text: str) -> list[AskedTerm]:
        return [term for term in self._site.lexicon.asked(text) if term.weight >= LEAST]

    def _found(self, text: str) -> Quoted | None:
        named = self._site.chooser.named(text)
        return (
            self._extreme(text)
            or (self._compared(text, named) if len(named) > 1 else None)
            or (self._property(text, named[0]) if len(named) == 1 else None)
            or self._chosen(text)
        )

    def _chosen(self, text: str) -> Quoted | None:
        if _ABOUT_PAGE.search(text) and (about := self._about(text)) is not None:
            return about
        chosen = self._site.chooser.choose(text, self._likeness)
        if chosen is None and _NAMES_A_PAGE.match(text) and (page := self._site.index.titled(text)) is not None:
            chosen = self._site.chooser.lead(page)
        if chosen is None:
            return None
        said = [chosen, chosen.contrary] if chosen.contrary is not None else [chosen]
        passages = [one.passage for one in said]
        return Quoted(
            [inert(line) for one in said for line in one.text.split("\n")],
            [(self._site.index.pages[passage.page], passage.section) for passage in passages],
        )

    def _about(self, text: str) -> Quoted | None:
        """The beginning of the page about what is asked: "return policy", "shipping information"."""
        content = self._content(text)
        pages = self._site.index.best_pages(text) if 0 < len(content) <= 2 else []
        for page in pages:
            title = frozenset(self._terms(self._site.index.pages[page].title))
            if all(term.held(title) >= OWN_FORM for term in content) and (lead := self._site.chooser.lead(page)):
                return Quoted([inert(lead.text)], [(self._site.index.pages[page], lead.passage.section)])
        return None

    def _property(self, text: str, offer: Offer) -> Quoted | None:
        """A property of the thing that is asked about."""
        rest = [term for term in self._content(text) if not term.held(offer.key)]
        form = forms.form_of(text)
        price = frozenset(self._terms("price"))
        if form is not None and form.name == "price" and offer.price and all(term.held(price) for term in rest):
            return self._line(offer, "", offer.price)
        words = set(re.findall(r"\w+", text.casefold()))
        if words & forms.COLOURS and not [term for term in rest if term.word not in forms.COLOURS]:
            rest = self._content("colour")
        if _AVAILABLE.search(text) and (label := _labelled(offer, "availability")) is not None:
            return self._line(offer, "", offer.facts[label])
        if not rest:
            return None
        label = max(offer.facts, key=lambda label: self._fit(label, offer.facts[label], rest), default=None)
        if label is None or self._fit(label, offer.facts[label], rest) < LABEL_SHARE:
            return None
        if form is not None and form.strict and not form.holds.search(offer.facts[label]):
            return None
        return self._line(offer, label, offer.facts[label])

    def _fit(self, label: str, value: str, rest: Sequence[AskedTerm]) -> float:
        """How well a property covers what is asked beside the name."""
        named, said = frozenset(self._terms(label)), frozenset(self._terms(value))
        weight = sum(term.weight for term in rest)
        return sum(term.weight * max(term.held(named), 0.95 * term.held(said)) for term in rest) / weight

    def _line(self, offer: Offer, label: str, value: str) -> Quoted:
        told = f"{label}: {value}" if label else value
        return Quoted([inert(f"{offer.name} – {told}")], [(self._site.index.pages[offer.page], offer.section)])

    def _extreme(self, text: str) -> Quoted | None:
        """The cheapest, the heaviest …, of the things with that property."""
        if (found := forms.superlative(text)) is None:
            return None
        asked, rest = found
        kind = [term for term in self._site.lexicon.asked(rest) if term.weight >= LEAST or not term.known]
        ranked = []
        for offer in self._site.offers:
            label = next((label for wanted in asked.labels if (label := _labelled(offer, wanted))), None)
            value = amount(offer.facts[label], asked.unit) if label else None
            if label and value is not None and all(term.held(offer.terms) for term in kind):
                ranked.append((value, label, offer))
        if len(ranked) < 2:
            return None
        value, label, offer = (max if asked.most else min)(ranked, key=lambda one: one[0])
        return self._line(offer, "" if asked.labels == ("price",) else label, offer.facts[label])

    def _compared(self, text: str, named: Sequence[Offer]) -> Quoted | None:
        """The things side by side: the property that is asked for, or their price and a few more."""
        rest = [term for term in self._content(text) if not any(term.held(offer.key) for offer in named)]
        labels = [label for label in named[0].facts if all(label in offer.facts for offer in named)]
        fitting = [label for label in labels if rest and self._fit(label, "", rest) >= LABEL_SHARE]
        if not labels or not (fitting or forms.compares(text)):
            return None
        shown = fitting[:1] or labels[:COMPARED_FACTS]
        lines = [
            inert(f"{offer.name} – {'; '.join(f'{label}: {offer.facts[label]}' for label in shown)}")
            for offer in named[:ROWS]
        ]
        return Quoted(lines, [(self._site.index.pages[offer.page], offer.section) for offer in named[:ROWS]])

    def _choices(self, text: str) -> Quoted | None:
        """The things of which one has to be named first."""
        rest = self._content(text)
        fitting = [
            offer.name
            for offer in self._site.offers
            if rest and any(self._fit(label, value, rest) >= LABEL_SHARE for label, value in offer.facts.items())
        ]
        priced = forms.form_of(text) is not None and not rest
        names = fitting or ([offer.name for offer in self._site.offers if offer.price] if priced else [])
        return Quoted(choices=names[:ROWS]) if len(names) > 1 else None

    def _reaches(self, phrase: str) -> bool:
        words = re.findall(r"[^\W_]+", phrase)
        return all(word in _CONTACT_WORDS or self._site.index.words.is_stop(word) for word in words)

    def reach(self, text: str) -> str | None:
        """Which way to reach somebody the question is about, and nothing else."""
        asked = self.understood(text)
        if (spoken := contact.wants_person(text)) is not None:
            self.foreign = spoken
            return "person"
        if (kind := contact.asks_for(text) or contact.asks_for(asked)) is None:
            return None
        other = [term for term in self._content(asked) if not self._reaches(term.word)]
        site = frozenset(
            self._terms(
                " ".join(
                    record.name for page in self._site.index.pages for record in page.records if record.kind == "site"
                )
            )
        )
        return None if [term for term in other if not term.held(site)] else kind


def _labelled(offer: Offer, wanted: str) -> str | None:
    return next((label for label in offer.facts if label.casefold() == wanted), None)


def owners_answer(answers: Sequence[OwnerAnswer], question: str, known: SiteKnowledge | None) -> OwnerAnswer | None:
    """What the owner answers to a question in the same words, or in words that mean the same."""
    said = _plain(question)
    exact = next((one for one in answers if _plain(one.question) == said), None)
    if exact is not None or known is None or not answers:
        return exact
    asked = known.lexicon.asked(question)
    if not asked:
        return None
    form = forms.form_of(question)
    fits: list[tuple[float, OwnerAnswer]] = []
    for one in answers:
        words = frozenset(known.index.words.terms(one.question))
        # One word that is not held may be what makes it another question.
        if form == forms.form_of(one.question) and all(term.held(words) >= 0.5 for term in asked):
            fits.append((agreement(asked, words), one))
    fit, best = max(fits, key=lambda each: each[0], default=(0.0, None))
    return best if fit >= SAME_QUESTION else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()
