"""Hides what a visitor should not have said: card numbers, keys and tokens, passwords.

It happens before the text reaches a store, a log, an agent or a webhook. The widget has the same rules for the texts of
pages (`secrets.ts`). Every pattern has bounds, so that no text takes long.
"""

import re
from collections.abc import Callable, Collection

from leflux.sites.secret_kinds import SecretKind

HIDDEN = "•••"

_BETWEEN = r"[ \t\u00a0\u2007\u202f./_\u2010-\u2015-]"
_DIGITS = re.compile(rf"(?<!\d)\d(?:{_BETWEEN}?\d){{12,40}}")
_DIGIT = re.compile(r"\d")
_GROUP = re.compile(r"\d+")
# The lengths of the numbers that card networks give out, by how they begin.
_NETWORKS = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|(?:5\d|2[2-7])\d{14}|(?:5[0678]|6\d|35|8[12])\d{14,17}|3[47]\d{13}|3[0689]\d{12,17})"
)
_CARD_CODE = re.compile(r"\b((?:cvc|cvv|csc|cid)2?\b[^\d\n]{0,15})\d{3,4}\b", re.IGNORECASE)

# What every token has, looked for first: most messages have none.
_RUN = re.compile(r"[\w~+/=-]{16}|[:=]|-----")
_TOKENS = [
    re.compile(pattern, flags)
    for pattern, flags in [
        (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", 0),
        (r"\beyJ[\w-]{5,4000}\.[\w-]{5,4000}(?:\.[\w-]{0,4000})?", 0),
        (r"\b(?:sk|pk|rk|whsec)[-_][\w-]{16,250}", 0),
        (r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|npm_|hf_|shpat_|dop_v1_)[\w-]{16,250}", 0),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", 0),
        (r"\bAIza[\w-]{30,60}", 0),
        (r"\b(?:SG|ya29)\.[\w.-]{20,250}", 0),
        (r"\bBearer\s{1,5}[\w.~+/=-]{16,4000}", re.IGNORECASE),
        (r"\b[0-9a-f]{32,256}\b", re.IGNORECASE),
        (r"\b(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[a-z])(?=[\w-]{0,60}[A-Z])[A-Za-z0-9_-]{32,256}", 0),
    ]
]
_ASSIGNED = re.compile(
    r"""((?:secret|token|(?:api|access)[_ -]?key|client[_ -]?secret)["']?\s{0,3}[:=]\s{0,3}["']?)"""
    r"""([^\s"'<>,;]{6,250})""",
    re.IGNORECASE,
)

_WORD = (
    r"(?:pass[ -]?words?|passcode|pass[ -]?phrase|pwd|passwd|passwort|kennwort|mot de passe|mdp|contrase[ñn]a|clave"
    r"|senha|palavra[- ]passe"
    r"|wachtwoord|has[łl]o|parola d['’]ordine|パスワード|暗証番号|كلمة المرور|كلمة السر|كلمه السر"
    r"|الرقم السري)"
)
_IS = r"(?:[:=]|\s(?:is|are|was|ist|lautet|est|es|è|e['’]|é|to|jest|هي|هو)(?=[\s:])|は)"
_QUOTED = r"[\"'“”„«‚‘「『`][^\"'“”»’」』`\n]{1,100}[\"'“”»’」』`]"
# Japanese goes on without a blank.
_VALUE = rf"{_QUOTED}|[!-~]{{1,100}}(?=[\s。、ぁ-んァ-ヶ一-龯]|\Z)|[^\s。、]{{1,100}}"
_PASSWORD = re.compile(rf"({_WORD}[^\n:=]{{0,40}}?{_IS}[\s:=]{{0,5}})({_VALUE})", re.IGNORECASE)
# What follows "my password is" when nobody says one.
_NO_PASSWORD = re.compile(
    r"(?:not?|never|wrong|incorrect|invalid|expired|lost|forgotten|gone|too|always|still|also|being|rejected|the|what|where|how"
    r"|nicht|falsch|ung[üu]ltig|abgelaufen|vergessen|weg|zu|immer|pas|incorrecte?|invalide|expir[ée]e?|perdue?|oubli[ée]e?|trop"
    r"|incorrecta|inv[áa]lida|caducada|olvidada|demasiado|sbagliata|errata|scaduta|non|troppo|niet|fout|verkeerd|verlopen|te"
    r"|nie|b[łl][ęe]dne|nieprawid[łl]owe|errada|incorreta|expirada|n[ãa]o|何\S*|正しく\S*|間違\S*|غير|خاطئة|صحيحة|منتهية)[.,!?]*\Z",
    re.IGNORECASE,
)


def hide_secrets(text: str, kinds: Collection[SecretKind]) -> tuple[str, list[SecretKind]]:
    """The text with `HIDDEN` in place of each secret of `kinds`, and the kinds that were found."""
    found: list[SecretKind] = []
    for kind, hide in _HIDERS.items():
        if kind in kinds:
            before, text = text, hide(text)
            found += [kind] if text != before else []
    return text, found


def _without_cards(text: str) -> str:
    if _DIGIT.search(text) is None:
        return text
    return _CARD_CODE.sub(rf"\g<1>{HIDDEN}", _DIGITS.sub(_without_card, text))


def _without_card(match: re.Match[str]) -> str:
    """The digits without the card among them. It begins and ends with a group; other numbers may stand beside it."""
    text = match[0]
    groups = list(_GROUP.finditer(text))
    for first, start in enumerate(groups):
        digits = ""
        for last in groups[first:]:
            digits += last[0]
            if _is_card(digits):
                return text[: start.start()] + HIDDEN + _without_cards(text[last.end() :])
    return text


def _is_card(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    if not 13 <= len(values) <= 19 or _NETWORKS.fullmatch("".join(map(str, reversed(values)))) is None:
        return False
    doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def _without_tokens(text: str) -> str:
    if _RUN.search(text) is None:
        return text
    for pattern in _TOKENS:
        text = pattern.sub(HIDDEN, text)
    return _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)


def _without_passwords(text: str) -> str:
    return _PASSWORD.sub(_without_password, text)


def _without_password(match: re.Match[str]) -> str:
    is_none = match[2].startswith(HIDDEN) or _NO_PASSWORD.match(match[2])
    return match[0] if is_none else match[1] + HIDDEN


_HIDERS: dict[SecretKind, Callable[[str], str]] = {
    "password": _without_passwords,
    "card": _without_cards,
    "token": _without_tokens,
}
