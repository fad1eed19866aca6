"""The form of a question: what it expects of its answer, and which property it asks for."""

import re
from collections.abc import Sequence

from msgspec import Struct

_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty"
    "|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|half|an?"
)
_NUMBER = rf"(?:(?<![\w.])\d+(?:[.,]\d+)?|\b(?:{_WORDS}))"
_TIME = (
    rf"(?:{_NUMBER} ?(?:to|or|–|-) ?)?{_NUMBER}[ -]?(?:working |business )?(?:seconds?|minutes?|hours?|days?|weeks?"
    rf"|months?|years?|summers?)\b|\b(?:next|same) (?:working )?day\b"
)
_LENGTH = rf"{_NUMBER} ?(?:mm|cm|m|km|inch(?:es)?|feet|ft|metres?|meters?|miles?)\b"
_WEIGHT = rf"{_NUMBER} ?(?:g|kg|lbs?|oz|grams?|kilos?|kilograms?|pounds?|tons?|tonnes?)\b"
_PRICE = rf"[€$£¥] ?\d|{_NUMBER} ?(?:[€$£¥]|euros?|dollars?|eur\b|usd\b|gbp\b|chf\b|kr\b)|\bfree\b|\d+ ?%"
_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_MONTHS = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_WHEN = (
    rf"\b\d{{1,2}}:\d\d\b|\b\d{{1,2}} ?[ap]\.?m\b|\b(?:1[89]|20)\d\d\b|\b(?:{_DAYS}|weekdays?|{_MONTHS}|noon"
    rf"|midnight|every day|daily)\b|{_TIME}"
)
_NAME = r"\b[A-ZÀ-Þ][\w'’]+ (?:(?:and|&|van|von|de|und) )?[A-ZÀ-Þ][\w'’]+"
_COUNT = rf"{_NUMBER}|\bno\b"


class Form(Struct, frozen=True):
    """`holds`: what the answer must hold. `strict`: without it there is no answer. `words`: those of the question that
    ask for just this. `best`: what makes an answer with it likelier.
    """

    name: str
    holds: re.Pattern[str]
    strict: bool = True
    words: frozenset[str] = frozenset()
    best: re.Pattern[str] | None = None


class Superlative(Struct, frozen=True):
    """A question for the most or the least: the labels of the property, its unit, and whether the most is meant."""

    labels: Sequence[str]
    unit: str | None
    most: bool


def _asks(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)


_FORMS = (
    (
        _asks(r"\bhow (?:long|much time|many (?:days|weeks|months)) (?:do|can|may|have|will) (?:i|we)\b"),
        Form(
            "time",
            _asks(_TIME),
            best=_asks(
                rf"\byou (?:have|can|may)\b.{{0,40}}(?:{_TIME})|(?:{_TIME}) to\b|(?:ahead|warranty|until|before)"
            ),
        ),
    ),
    (
        _asks(
            r"\bhow (?:long|much time|many (?:days|weeks|hours|minutes)|soon|fast|quick\w*)\b.*\b(?:take|takes"
            r"|need|deliver\w*|ship\w*|arrive|wait)\b"
        ),
        Form("time", _asks(_TIME), best=_asks(rf"\b(?:takes?|in|within|time:) (?:about |only )?(?:{_TIME})")),
    ),
    (
        _asks(r"\bhow (?:heavy|much (?:do|does) .* weigh)\b|\bweigh\b"),
        Form("weight", _asks(_WEIGHT), words=frozenset(("weigh", "weight", "heavy"))),
    ),
    (
        _asks(r"\bhow (?:bright|many lumens?)\b"),
        Form("light", _asks(r"\d ?(?:lumens?|lm|lux)\b"), words=frozenset(("bright", "lumen", "lumens"))),
    ),
    (
        _asks(
            r"\bhow (?:long (?!is the (?:cable|cord|lead))|soon|fast|quick(?:ly)?)|\bhow many (?:days|weeks"
            r"|hours|minutes|years)\b|\bhow much time\b|\b(?:delivery|shipping|lead|waiting|preparation) times?\b"
        ),
        Form("time", _asks(_TIME), best=_asks(rf"\btime: (?:{_TIME})|\b(?:takes?|for|of) (?:about )?(?:{_TIME})")),
    ),
    (
        _asks(r"\bhow (?:big|large|tall|wide|high|deep|far|long)\b"),
        Form(
            "length",
            _asks(_LENGTH),
            strict=False,
            words=frozenset(["high", "tall", "wide", "big", "deep", "long", "large", "far"]),
        ),
    ),
    (
        _asks(r"\bhow (?:much|expensive)\b|\b(?:price|costs?|fee)\b"),
        Form(
            "price",
            _asks(_PRICE),
            words=frozenset(("price", "cost", "costs", "fee", "expensive", "charge")),
            best=_asks(r"[€$£¥] ?\d|\d ?(?:€|euros?|dollars?)"),
        ),
    ),
    (
        _asks(r"\b(?:discount|rebate|reduction|percent off)s?\b"),
        Form(
            "discount",
            _asks(r"\d ?% (?:off|discount|less)|% discount|\bdiscount"),
            words=frozenset(("discount", "discounts", "rebate", "reduction")),
        ),
    ),
    (
        _asks(
            r"\bwhere (?:do|does|is|are|did) .*\b(?:from|made|produced|grown)\b|\bwhere (?:do|did) you (?:get"
            r"|buy|source)\b"
        ),
        Form(
            "origin",
            _asks(r"\b(?:from|made in|in|by) (?:the )?(?-i:[A-ZÀ-Þ])"),
            strict=False,
            words=frozenset(("made", "produced", "come")),
        ),
    ),
    (_asks(r"\bhow many\b"), Form("count", _asks(_COUNT))),
    (
        _asks(r"^\W*(?:and |until |since |from )?when\b|\bwhat (?:time|year|day)\b|\b(?:until|since) when\b"),
        Form("when", _asks(_WHEN)),
    ),
    (_asks(r"^\W*who(?:m|se)?\b(?! pays| can | may )"), Form("who", re.compile(_NAME), strict=False)),
)
_SUPERLATIVES = (
    (r"cheapest|least expensive|most affordable|lowest price", Superlative(("price",), "price", most=False)),
    (r"most expensive|priciest|dearest|highest price", Superlative(("price",), "price", most=True)),
    (r"heaviest", Superlative(("weight",), "kg|g", most=True)),
    (r"lightest", Superlative(("weight",), "kg|g", most=False)),
    (
        r"brightest|most (?:light|bright|lumens?)|strongest light",
        Superlative(("light", "brightness", "lumen"), "lumens?|lm", most=True),
    ),
    (
        r"dimmest|darkest|least (?:light|bright)",
        Superlative(("light", "brightness", "lumen"), "lumens?|lm", most=False),
    ),
    (r"tallest|highest", Superlative(("height", "size", "dimensions"), None, most=True)),
    (r"biggest|largest", Superlative(("size", "dimensions", "width"), None, most=True)),
    (r"smallest|tiniest", Superlative(("size", "dimensions", "width"), None, most=False)),
)
_SUPERLATIVE = tuple((_asks(rf"\b(?:{pattern})\b"), found) for pattern, found in _SUPERLATIVES)
_OFFERED = _asks(
    r"\b(?:do|can|does) (?:you|u|they|the \w+) (?:also |still |really )?(?:sell|have|offer|stock|make|bake|carry"
    r"|rent|produce|serve)\b|\bcan i (?:buy|rent|get)\b"
)
_ONESELF = _asks(r"\b(?:can|may|do|must|should|could) (?:i|we)\b")
_HOW = _asks(r"\bhow (?:do|does|can|could|should|to|must)\b")
_NEGATED = _asks(r"\b(?:not|never|no|without|cannot|nothing|excluded?)\b|n['’]t\b")
_COMPARES = _asks(r"\b(?:compare|comparison|difference|differ|versus|vs|better|or)\b")
_NUMBERED = re.compile(r"\b([^\W\d_]{2,})\s+(\d+)\b")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COLOURS = frozenset(
    [
        "red",
        "green",
        "blue",
        "yellow",
        "black",
        "white",
        "grey",
        "gray",
        "brown",
        "orange",
        "purple",
        "pink",
        "beige",
        "silver",
        "gold",
        "golden",
        "turquoise",
    ]
)


def form_of(question: str) -> Form | None:
    """What the answer must hold; None when the form of the question expects nothing."""
    return next((form for asks, form in _FORMS if asks.search(question)), None)


def superlative(question: str) -> tuple[Superlative, str] | None:
    """What is asked for, and the rest of the question."""
    for pattern, found in _SUPERLATIVE:
        if pattern.search(question):
            return found, pattern.sub(" ", question)
    return None


def asks_what_is_offered(question: str) -> bool:
    return bool(_OFFERED.search(question))


def asks_how(question: str) -> bool:
    return bool(_HOW.search(question))


def asks_for_oneself(question: str) -> bool:
    return bool(_ONESELF.search(question))


def is_negated(text: str) -> bool:
    return bool(_NEGATED.search(text))


def compares(question: str) -> bool:
    return bool(_COMPARES.search(question))


def numbers_agree(question: str, said: str) -> bool:
    """False where the question numbers something ("PEP 8", "room 3") that is numbered otherwise where it is said."""
    for name, number in _NUMBERED.findall(question):
        others = re.findall(rf"\b{re.escape(name)}\s+(\d+)\b", said, re.I)
        if others and number not in others:
            return False
    return True


def without_form(question: str) -> str:
    """The question without the words of its form, to be asked in another form."""
    for asks, _ in _FORMS:
        question = asks.sub(" ", question)
    return question
