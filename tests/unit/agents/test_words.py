"""Words of visitors: of any length, in any number, without holding up the process or filling its memory."""

import pytest

from leflux.agents.knowledge.words import STEMS, WORD_CHARS, Words


@pytest.mark.parametrize("letter", ["x", "é", "ค"])
@pytest.mark.parametrize("shape", ["{}", "a-{}", "{}-b", "__{}__", "{}_c"])
def test_a_word_of_a_million_letters_is_cut(letter: str, shape: str) -> None:
    """Work that grew with the square of its length would not end before the test's time limit."""
    found = list(Words("en").words(shape.format(letter * 1_000_000)))
    assert len(found) <= 3
    assert letter * WORD_CHARS in found


@pytest.mark.parametrize(
    ("text", "compounds"),
    [
        ("state-of-the-art e-mail", ["state-of-the-art", "e-mail"]),
        ("snake_case __init__ x1abc-def", ["snake_case", "__init__", "abc-def"]),
    ],
)
def test_compounds_count_as_a_whole(text: str, compounds: list[str]) -> None:
    found = list(Words("xx").words(text))
    assert [word for word in found if "-" in word or "_" in word] == compounds


def test_the_stems_that_are_kept_are_bounded() -> None:
    words = Words("en")
    for number in range(STEMS + 100):
        words.stem(f"word{number}")
    assert words.stem.cache_info().currsize == STEMS  # type: ignore[union-attr]
