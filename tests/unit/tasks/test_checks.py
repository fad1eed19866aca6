"""What an agent may plan: every rule of `leflux.tasks.checks`, on plans that a hostile page could have dictated."""

from typing import Any

import pytest

from leflux.sites.registry import Site, Sites
from leflux.tasks.checks import MAX_STEPS, MAX_VALUE, PageDescription, PlanRefused, check
from leflux.tasks.plans import PlannedStep, Target
from leflux.tasks.service import belongs

SITES = Sites([Site("shop", "Shop", ["shop.test"]), Site("other", "Other", ["other.test"])])


def page(url: str = "http://shop.test/a/b", **context: Any) -> PageDescription:
    return PageDescription(url, context, lambda address: belongs(SITES)("shop", address))


def refusal(step: PlannedStep, **context: Any) -> str:
    with pytest.raises(PlanRefused) as caught:
        check([step], page(**context))
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/form", "http://shop.test/form"),
        ("c?d=1", "http://shop.test/a/c?d=1"),
        ("http://shop.test/x", "http://shop.test/x"),
        ("https://www.shop.test/x", "https://www.shop.test/x"),
        ("http://app.shop.test:8080/x", "http://app.shop.test:8080/x"),
    ],
)
def test_a_navigate_within_the_site_is_made_absolute(url: str, absolute: str) -> None:
    assert check([PlannedStep("navigate", url=url)], page())[0].url == absolute


def test_a_relative_url_starts_from_the_page_that_the_steps_have_reached() -> None:
    steps = check([PlannedStep("navigate", url="/x/y"), PlannedStep("navigate", url="z")], page())
    assert steps[1].url == "http://shop.test/x/z"


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.test/",
        "//evil.test/",
        "http://other.test/",
        "http://evilshop.test/",
        "http://shop.test.evil/",
        "http://shop.test@evil.test/",
        "http://me:secret@shop.test/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://shop.test/",
        "http://shop.test\\@evil.test/",
        "http://[broken",
        "http://shop.test:99999/",
        "/a b",
        "/" + "x" * 3000,
    ],
)
@pytest.mark.parametrize("action", ["navigate", "click"])
def test_a_step_never_leaves_the_site(action: Any, url: str) -> None:
    assert "url" in refusal(PlannedStep(action, Target(name="Link"), url=url))


def test_a_relative_url_on_an_unknown_page_is_refused() -> None:
    with pytest.raises(PlanRefused):
        check([PlannedStep("navigate", url="/form")], PageDescription("", {}, lambda _: True))


SENSITIVE = [
    "Password",
    "Your new password",
    "passwd",
    "Card number",
    "cardNumber",
    "#cc-number",
    "input[name=card_no]",
    "Credit card",
    "CVC",
    "cvv2",
    "Name on card",
    "IBAN",
    "Account number",
    "One-time code",
    "SMS code",
    "OTP",
    "PIN",
    "Passwort",
    "Kreditkartennummer",
    "Contraseña",
    "Пароль",
    "Social Security",
]


@pytest.mark.parametrize("text", SENSITIVE)
@pytest.mark.parametrize("key", ["name", "label", "selector"])
def test_a_sensitive_field_is_never_filled(text: str, key: str) -> None:
    assert "never filled" in refusal(PlannedStep("type", Target(**{key: text}), value="x"))


@pytest.mark.parametrize(
    "element",
    [
        {"type": "password"},
        {"type": "PASSWORD"},
        {"type": "file"},
        {"type": "hidden"},
        {"autocomplete": "cc-number"},
        {"autocomplete": "section-pay billing cc-csc"},
        {"autocomplete": "one-time-code"},
        {"autocomplete": "current-password"},
        {"label": "Card number"},
        {"placeholder": "CVC"},
    ],
)
@pytest.mark.parametrize("by", ["elementId", "name"])
def test_a_field_that_the_page_describes_as_sensitive_is_never_filled(element: dict[str, str], by: str) -> None:
    described = {"id": "e7", "name": "Harmless"} | element
    step = (
        PlannedStep("type", element_id="e7", value="x")
        if by == "elementId"
        else PlannedStep("type", Target(name="harmless"), value="x")
    )
    assert "never filled" in refusal(step, elements=[7, None, {"id": "e6", "name": "Other"}, described])


@pytest.mark.parametrize(
    "text", ["Name", "Email", "Company", "Spinning lamp", "Postcard text", "Discount code", "City"]
)
def test_an_ordinary_field_is_filled(text: str) -> None:
    assert check([PlannedStep("type", Target(label=text), value="x")], page())


@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "5500-0000-0000-0004", "pay with 378282246310005 please"])
def test_a_card_number_is_never_typed_anywhere(value: str) -> None:
    assert "card" in refusal(PlannedStep("type", Target(name="Note"), value=value))
    assert check([PlannedStep("type", Target(name="Note"), value="order 4111 1111 1111 1112")], page())


def test_a_file_is_never_chosen() -> None:
    assert "files" in refusal(PlannedStep("click", element_id="f"), elements=[{"id": "f", "type": "file"}])


@pytest.mark.parametrize(
    "step",
    [
        PlannedStep("click"),
        PlannedStep("click", Target()),
        PlannedStep("type", value="x"),
        PlannedStep("type", Target(name="Name")),
        PlannedStep("select", Target(name="Name")),
        PlannedStep("navigate"),
        PlannedStep("click", Target(name="x"), value="v"),
        PlannedStep("scroll_to", Target(name="x"), url="/x"),
        PlannedStep("wait", wait_ms=-1),
        PlannedStep("wait", wait_ms=16_000),
        PlannedStep("click", Target(name="x" * 301)),
        PlannedStep("click", Target(name="x\x00")),
        PlannedStep("type", Target(name="Note"), value="x" * (MAX_VALUE + 1)),
        PlannedStep("type", Target(name="Note"), value="\x1b[31m"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step: PlannedStep) -> None:
    assert refusal(step)


def test_a_plan_has_steps_and_not_too_many() -> None:
    wait = PlannedStep("wait", wait_ms=1)
    assert len(check([wait] * MAX_STEPS, page())) == MAX_STEPS
    for steps in ([], [wait] * (MAX_STEPS + 1)):
        with pytest.raises(PlanRefused):
            check(steps, page())
