"""What the server says to visitors, in the languages of the widget. `texts/<language>.json` has the texts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

TEXTS = Path(__file__).with_name("texts")
DEFAULT = "en"


@cache
def languages() -> frozenset[str]:
    return frozenset(file.stem for file in TEXTS.glob("*.json"))


def language(locale: Any) -> str:
    """The language of a BCP 47 tag; English when there are no texts in it."""
    if not isinstance(locale, str):
        return DEFAULT
    found = locale.lower().replace("_", "-").partition("-")[0]
    return found if found in languages() else DEFAULT


@cache
def _texts(lang: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((TEXTS / f"{lang}.json").read_text("utf-8"))
    return texts


def say(lang: str, key: str, **values: str) -> str:
    """One text, with the values for its placeholders."""
    text: str = _texts(lang)[key]
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


@cache
def heard(key: str) -> dict[str, str]:
    """What visitors say for one thing -> the language."""
    return {word: lang for lang in sorted(languages()) for word in _texts(lang)["heard"].get(key, ())}


def heard_language(key: str, text: str, preferred: str) -> str | None:
    """The language in which the text says this; None when it says something else."""
    said = " ".join(text.casefold().strip(" .!?,;:¡¿").split())
    if said in _texts(preferred)["heard"].get(key, ()):
        return preferred
    return heard(key).get(said)
