"""What an agent may do on a page: every plan passes here before anything is stored or sent."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct

from leflux.tasks.elements import identified
from leflux.tasks.plans import NEEDS_ELEMENT, WRITES, Expect, PlannedStep, Target
from leflux.tasks.sensitive import is_card_number, is_sensitive_field, is_sensitive_text

MAX_STEPS = 20
MAX_VALUE = 2_000
MAX_URL = 2_048
MAX_TEXT = 300
MAX_WAIT_MS = 15_000
MAX_WITHIN_MS = 30_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class PlanRefused(Exception):
    """The plan breaks a rule; the message says which, for the log and the visitor."""


class PageDescription(Struct, frozen=True):
    """Where the plan starts: the page's `url` ("" when unknown) and its description as the widget sent it.

    `is_own(url)`: whether a URL belongs to the session's own site.
    """

    url: str
    context: dict[str, Any]
    is_own: Callable[[str], bool]


def check(planned: list[PlannedStep], page: PageDescription) -> list[PlannedStep]:
    """The plan with every URL absolute, every text in bounds, and every element that the page lists called by its role
    and name. Raises `PlanRefused`."""
    if not planned:
        raise PlanRefused("the plan has no steps")
    if len(planned) > MAX_STEPS:
        raise PlanRefused(f"the plan has more than {MAX_STEPS} steps")
    checked = []
    url = page.url
    for step in planned:
        step = _checked(identified(step, page.context), page, url)
        url = step.url or url
        checked.append(step)
    return checked


def _checked(step: PlannedStep, page: PageDescription, url: str) -> PlannedStep:
    _bounds(step)
    if step.action in NEEDS_ELEMENT and not (step.element_id or _words(step.target)):
        raise PlanRefused(f"a {step.action} names no element")
    if step.action in WRITES:
        _check_field(step, page)
    elif step.value is not None:
        raise PlanRefused(f"a {step.action} has no value")
    if step.action == "click" and any(_is_file(element) for element in _elements(step, page)):
        raise PlanRefused("files are never chosen for a visitor")
    if step.action in NEEDS_ELEMENT and step.target is None:
        raise PlanRefused("a step names an element that the page does not list")
    if step.action == "navigate" and not step.url:
        raise PlanRefused("a navigate names no url")
    if step.expect is not None:
        step = msgspec.structs.replace(step, expect=_expected(step.expect, step.url or url, page))
    if step.url is None:
        return step
    if step.action not in ("navigate", "click"):
        raise PlanRefused(f"a {step.action} has no url")
    return msgspec.structs.replace(step, url=_absolute(step.url, url, page))


def _expected(expect: Expect, base: str, page: PageDescription) -> Expect:
    texts = [expect.text or "", *_words(expect.element), *_words(expect.gone)]
    if not any([expect.url, *texts]):
        raise PlanRefused("an expectation names nothing")
    if any(len(text) > MAX_TEXT or _CONTROL.search(text) for text in texts):
        raise PlanRefused(f"a text of an expectation is longer than {MAX_TEXT} characters, or holds control characters")
    if expect.within is not None and not 0 <= expect.within <= MAX_WITHIN_MS:
        raise PlanRefused(f"an expectation waits longer than {MAX_WITHIN_MS} ms")
    return expect if expect.url is None else msgspec.structs.replace(expect, url=_absolute(expect.url, base, page))


def _bounds(step: PlannedStep) -> None:
    texts = [step.description, step.element_id or "", *_words(step.target)]
    if any(len(text) > MAX_TEXT for text in texts):
        raise PlanRefused(f"a text of a step is longer than {MAX_TEXT} characters")
    if any(_CONTROL.search(text) for text in [*texts, step.value or "", step.url or ""]):
        raise PlanRefused("a step holds control characters")
    if len(step.value or "") > MAX_VALUE:
        raise PlanRefused(f"a value is longer than {MAX_VALUE} characters")
    if step.wait_ms is not None and not 0 <= step.wait_ms <= MAX_WAIT_MS:
        raise PlanRefused(f"a wait is longer than {MAX_WAIT_MS} ms")


def _check_field(step: PlannedStep, page: PageDescription) -> None:
    if step.value is None:
        raise PlanRefused(f"a {step.action} has no value")
    if any(is_sensitive_text(text) for text in [*_words(step.target), step.element_id or "", step.description]):
        raise PlanRefused("card, bank, password and one-time-code fields are never filled")
    described = _described(page)
    if any(is_sensitive_field(element, described) for element in _elements(step, page)):
        raise PlanRefused("card, bank, password and one-time-code fields are never filled")
    if is_card_number(step.value):
        raise PlanRefused("card numbers are never typed")


def _absolute(url: str, base: str, page: PageDescription) -> str:
    if len(url) > MAX_URL or "\\" in url or re.search(r"\s", url):
        raise PlanRefused("a url is malformed")
    try:
        absolute = urljoin(base, url)
        parts = urlsplit(absolute)
    except ValueError:
        raise PlanRefused("a url is malformed") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise PlanRefused("a url is not a plain http or https address")
    if not page.is_own(absolute):
        raise PlanRefused("a url leaves the site")
    return absolute


def _words(target: Target | None) -> list[str]:
    if target is None:
        return []
    return [text for text in (target.name, target.label, target.selector, target.role) if text]


def _described(page: PageDescription) -> list[dict[str, Any]]:
    elements = page.context.get("elements")
    return [each for each in elements if isinstance(each, dict)] if isinstance(elements, list) else []


def _elements(step: PlannedStep, page: PageDescription) -> Iterable[dict[str, Any]]:
    """The elements of the page's description that the step may mean."""
    wanted = {text.casefold() for text in _words(step.target)}
    for element in _described(page):
        ids = (element.get("id"), element.get("elementId"))
        names = {str(element.get(key, "")).casefold() for key in ("name", "label", "selector", "placeholder")}
        if (step.element_id is not None and step.element_id in ids) or (wanted & (names - {""})):
            yield element


def _is_file(element: dict[str, Any]) -> bool:
    return str(element.get("type", "")).casefold() == "file"
