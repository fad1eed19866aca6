"""What an answer must hold for the question's form: a time for "how long does …?", a price for "how much is …?"."""

import re

_NUMBER = r"(?<![\w.])\d+(?:[.,]\d+)?"
_TIME = re.compile(
    rf"{_NUMBER}[ -]?(?:working |business )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b", re.I
)
_LENGTH = re.compile(rf"{_NUMBER} ?(?:mm|cm|m|km|inch(?:es)?|feet|ft|metres?|meters?|miles?)\b", re.I)
_WEIGHT = re.compile(rf"{_NUMBER} ?(?:g|kg|lbs?|oz|grams?|kilos?|kilograms?|pounds?|tons?|tonnes?)\b", re.I)
_PRICE = re.compile(rf"[€$£¥] ?\d|{_NUMBER} ?(?:[€$£¥]|euros?|dollars?|pounds?|eur\b|usd\b|gbp\b|chf\b)|\bfree\b", re.I)
_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_MONTHS = r"(?:january|february|march|april|june|july|august|september|october|november|december)"
_WHEN = re.compile(
    rf"\b\d{{1,2}}:\d\d\b|\b\d{{1,2}} ?[ap]\.?m\b|\b(?:1[89]|20)\d\d\b|\b(?:{_DAYS}|weekdays?|{_MONTHS})\b", re.I
)

_FORMS = (
    (
        re.compile(
            r"\bhow (?:long (?:do|does|will|did|is the wait)|soon|fast)\b|\bhow many (?:days|weeks|hours)\b", re.I
        ),
        _TIME,
    ),
    (re.compile(r"\bhow (?:heavy|much (?:do|does) .* weigh)\b", re.I), _WEIGHT),
    (re.compile(r"\bhow (?:big|large|tall|wide|high|deep|far|long is)\b", re.I), _LENGTH),
    (re.compile(r"\bhow (?:much|expensive)\b|\b(?:price|costs?)\b", re.I), _PRICE),
    (re.compile(r"^\W*when\b|\bwhat time\b|\bopening (?:hours|times)\b", re.I), _WHEN),
)


def expected(question: str) -> re.Pattern[str] | None:
    """What the answer's text must hold somewhere; None when the question's form asks for nothing of the kind."""
    return next((holds for form, holds in _FORMS if form.search(question)), None)
