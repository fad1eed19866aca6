"""Reads a question in the light of the conversation and of the page that the visitor is on."""

import re
from collections.abc import Callable, Sequence

from leflux.agents.knowledge.forms import form_of, without_form

FOLLOW_UP_TERMS = 3
_BEGINS = re.compile(r"\W*(?:and|or|but|also|what about|how about|and what about|ok(?:ay)?,? and|then)\b", re.I)
_ABOUT = re.compile(r"\b(?:it|its|it's|that|this|they|them|their|those|these|one|ones|there)\b(?! is\b| are\b)", re.I)
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|will|does|do) (?:it|there) (?:take|rain|cost to|a|an|any|free)\b|\bit takes?\b", re.I
)
Names = Callable[[str], list[str]]


def is_follow_up(text: str, terms: Callable[[str], list[str]], names: Names) -> bool:
    """Whether the question cannot be understood alone: it begins with "and", or says "it"."""
    if _BEGINS.match(text):
        return True
    return bool(_ABOUT.search(text)) and not names(text) and len(terms(text)) <= FOLLOW_UP_TERMS + 2


def resolved(text: str, before: Sequence[str], terms: Callable[[str], list[str]], names: Names, here: str = "") -> str:
    """The question with what it leaves out. `before`: the questions before it; `here`: the name of what the visitor's
    page is about.
    """
    if not is_follow_up(text, terms, names):
        return text
    earlier = resolved(before[-1], before[:-1], terms, names, here) if before else ""
    if here and not _BEGINS.match(text) and not names(earlier):
        earlier = here
    if not earlier:
        return text
    own = names(text)
    if _ABOUT.search(text) and (topic := names(earlier)) and not own:
        # "Is it dimmable?" is about the thing last named and not about its price.
        return f"{text} ({', '.join(topic)})"
    kept = earlier
    for name in names(earlier) if own else ():
        kept = re.sub(re.escape(name), " ", kept, flags=re.I)
    if form_of(text) is not None:
        kept = without_form(kept)
    if own and form_of(text) is not None:
        return text
    return f"{kept.strip(' ?.!')} {text}"
