"""What a visitor should not have said is hidden, in ten languages, and nothing else is."""

import json
from pathlib import Path

import pytest

from leflux.chat.secrets import HIDDEN, hide_secrets
from leflux.sites.secret_kinds import SecretKind

DEFAULT: list[SecretKind] = ["card", "token"]
ALL: list[SecretKind] = ["card", "token", "password"]
CASES = json.loads((Path(__file__).parents[2] / "secrets.json").read_text("utf-8"))


@pytest.mark.parametrize(("what", "text", "secret"), CASES["hidden"])
def test_cards_and_tokens_are_hidden_as_the_widget_hides_them(what: str, text: str, secret: str) -> None:
    clean, found = hide_secrets(text, DEFAULT)
    assert secret not in clean
    assert HIDDEN in clean
    assert found == (["card"] if "card" in what else ["token"])
    assert hide_secrets(text, []) == (text, [])


@pytest.mark.parametrize(("what", "text"), CASES["shown"])
def test_what_only_looks_like_a_secret_is_left(what: str, text: str) -> None:
    assert hide_secrets(text, ALL) == (text, []), what


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("4111111111111111", HIDDEN),
        ("1 4111 1111 1111 1111 12/27 CVC 123", f"1 {HIDDEN} 12/27 CVC {HIDDEN}"),
        ("4111-1111-1111-1111 and 5555 5555 5555 4444", f"{HIDDEN} and {HIDDEN}"),
        ("4111\u00a01111\u00a01111\u00a01111", HIDDEN),
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", HIDDEN),
        ("٤١١١ ١١١١ ١١١١ ١١١١", HIDDEN),
        ("3782 822463 10005", HIDDEN),
        ("30569309025904", HIDDEN),
        ("6011111111111117.", f"{HIDDEN}."),
    ],
)
def test_cards_in_every_spelling(text: str, clean: str) -> None:
    assert hide_secrets(text, DEFAULT) == (clean, ["card"])


SAID = [
    ("en", "My password is hunter2!", "hunter2"),
    ("en", "my password for the shop is: correct-horse", "correct-horse"),
    ("en", "password: hunter2, can you log me in?", "hunter2"),
    ("en", 'the password is "correct horse battery"', "horse"),
    ("de", "Mein Passwort ist Geheim123.", "Geheim123"),
    ("de", "mein Kennwort lautet Geheim123", "Geheim123"),
    ("fr", "mon mot de passe est Secret123", "Secret123"),
    ("es", "mi contraseña es Secreto123", "Secreto123"),
    ("es", "mi clave es Secreto123", "Secreto123"),
    ("it", "la mia password è Segreto123", "Segreto123"),
    ("nl", "mijn wachtwoord is Geheim123", "Geheim123"),
    ("pl", "moje hasło to Tajne123", "Tajne123"),
    ("pl", "hasło: Tajne123", "Tajne123"),
    ("pt", "a minha senha é Segredo123", "Segredo123"),
    ("pt", "minha palavra-passe é Segredo123", "Segredo123"),
    ("ja", "パスワードはHimitsu123です", "Himitsu123"),
    ("ja", "私のパスワードは「ひみつ」です", "ひみつ"),
    ("ar", "كلمة المرور هي Sirri123", "Sirri123"),
    ("ar", "كلمة السر الخاصة بي هي Sirri123", "Sirri123"),
]


@pytest.mark.parametrize(("language", "text", "secret"), SAID)
def test_a_password_is_hidden_where_the_site_asks_for_it(language: str, text: str, secret: str) -> None:
    clean, found = hide_secrets(text, ALL)
    assert secret not in clean, language
    assert (HIDDEN in clean, found) == (True, ["password"])
    assert hide_secrets(text, DEFAULT) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        "My password is not working",
        "my password is wrong",
        "How do I change my password?",
        "I forgot my password",
        "Mein Passwort ist falsch",
        "mon mot de passe est incorrect",
        "mi contraseña es incorrecta",
        "la password è sbagliata",
        "mijn wachtwoord is verlopen",
        "moje hasło jest nieprawidłowe",
        "minha senha é inválida",
        "パスワードは何ですか",
        "كلمة المرور غير صحيحة",
    ],
)
def test_a_question_about_a_password_is_left(text: str) -> None:
    assert hide_secrets(text, ALL) == (text, [])


def test_hiding_twice_changes_nothing() -> None:
    for _, text, _ in [*CASES["hidden"], *SAID]:
        once, _ = hide_secrets(text, ALL)
        assert hide_secrets(once, ALL)[0] == once


@pytest.mark.parametrize(
    "part", ["4", "4 ", "4111 ", "eyJ", "a-", "token=", "A1b-", "password is ", "password ", "cvc", "\u00a0"]
)
def test_no_text_takes_long(part: str) -> None:
    """A hang would end this test by its time-out; 5,000 characters are the most that a visitor may say."""
    assert hide_secrets((part * 20_000)[:20_000], ALL)[0]
