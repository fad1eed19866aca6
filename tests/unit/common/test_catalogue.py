"""Every text of the server exists in every language of the widget, with the same placeholders."""

import json
import re
from pathlib import Path

import pytest

from leflux.common.catalogue import TEXTS, heard_language, language, languages, say

WIDGET = Path(__file__).parents[3] / "leflux" / "widget" / "src" / "texts"
ENGLISH = json.loads((TEXTS / "en.json").read_text("utf-8"))


def test_the_server_speaks_the_languages_of_the_widget() -> None:
    assert languages() == {file.stem for file in WIDGET.glob("*.json")}


@pytest.mark.parametrize("lang", sorted(languages()))
def test_each_language_has_every_text_with_its_placeholders(lang: str) -> None:
    texts = json.loads((TEXTS / f"{lang}.json").read_text("utf-8"))
    assert texts.keys() == ENGLISH.keys()
    for key, text in ENGLISH.items():
        if key != "heard":
            assert sorted(re.findall(r"\{\w+\}", texts[key])) == sorted(re.findall(r"\{\w+\}", text)), key
    assert all(texts["heard"].get(key) for key in ("hello", "thanks", "yes", "no", "stop", "person"))


@pytest.mark.parametrize(
    ("tag", "lang"), [("de-AT", "de"), ("pt_BR", "pt"), ("xx", "en"), (None, "en"), (7, "en"), ("", "en")]
)
def test_a_locale_chooses_the_language(tag: object, lang: str) -> None:
    assert language(tag) == lang


def test_a_greeting_is_recognised_in_its_language() -> None:
    assert heard_language("hello", "Bonjour !", "en") == "fr"
    assert heard_language("hello", "What is bread?", "en") is None
    assert say("de", "phone", value="1") == "Telefon: 1"
