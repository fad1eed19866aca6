"""Which clicks of an agent the visitor is asked about first."""

from typing import Any

import pytest

from leflux.tasks.consent import guard
from leflux.tasks.plans import PlannedStep, Target

GRAVE = [
    *(
        "Pay now",
        "Buy it",
        "Delete account",
        "Cancel subscription",
        "Place bid",
        "Place order",
        "Submit",
        "Unsubscribe",
        "Donate",
    ),
    *(
        "Jetzt kaufen",
        "Konto löschen",
        "Zahlungspflichtig bestellen",
        "Abo kündigen",
        "Bestätigen",
        "Absenden",
        "Gebot abgeben",
    ),
    *("Payer maintenant", "Acheter", "Supprimer le compte", "Résilier", "Envoyer", "Valider la commande"),
    *("Comprar ahora", "Eliminar cuenta", "Darse de baja", "Enviar", "Pagar"),
    *("Acquista ora", "Elimina account", "Conferma", "Disdici", "Invia"),
    *("Finalizar compra", "Excluir conta", "Cancelar assinatura", "Submeter"),
    *("Bestelling plaatsen", "Account verwijderen", "Abonnement opzeggen", "Betalen"),
    *("Kup teraz", "Usuń konto", "Zapłać", "Wyślij", "Zamawiam z obowiązkiem zapłaty"),
    *("購入する", "アカウントを削除", "解約する", "送信", "注文を確定する"),
    *("ادفع الآن", "حذف الحساب", "إلغاء الاشتراك", "إرسال", "تأكيد"),
    *("PAY-NOW", "payNow", "Ｐａｙ ｎｏｗ", "Pay\u200b now — €20"),
]
HARMLESS = [
    "Menu",
    "Next",
    "Continue",
    "Weiter",
    "Show more",
    "Sign in",
    "Places near you",
    "Read the post",
    "Firma",
    "Payload",
    "Kategorie",
    "Warenkorb",
    "次へ",
    "التالي",
]


def context(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"elements": list(elements)}


def click(name: str, description: str = "Go on", **more: Any) -> PlannedStep:
    return PlannedStep("click", Target(name=name), description=description, **more)


@pytest.mark.parametrize("name", GRAVE)
def test_a_grave_click_is_asked_about_by_its_name(name: str) -> None:
    [step], asked = guard([click(name)], {}, None)
    assert asked is not None
    assert name in asked
    assert not step.guarded


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_click_is_not_but_the_page_guards_it(name: str) -> None:
    [step], asked = guard([click(name)], context({"id": "1", "role": "button", "name": name}), None)
    assert (asked, step.guarded) == (None, True)


@pytest.mark.parametrize(
    "element",
    [
        {"id": "1", "role": "button", "name": "Next", "submits": True},
        {"id": "1", "role": "button", "name": ""},
        {"id": "1", "role": "button", "name": "Next: delete all"},
    ],
)
def test_what_the_page_says_counts(element: dict[str, Any]) -> None:
    step = PlannedStep("click", Target(name="Next") if element["name"] else None, element_id="1", description="Go on")
    assert guard([step], context(element), None)[1] is not None


def test_the_agents_own_question_must_name_each_grave_click() -> None:
    steps = [click("Delete my account"), click("Pay now")]
    assert guard(steps, {}, "Shall I show you lamps?")[1] == "Shall I show you lamps? “Delete my account” “Pay now”"
    assert guard(steps[1:], {}, "Shall I press “Pay now”?")[1] == "Shall I press “Pay now”?"


def test_only_clicks_are_guarded() -> None:
    steps = [PlannedStep("type", Target(label="Send to"), value="x"), PlannedStep("navigate", url="/pay")]
    assert guard(steps, {}, None) == (steps, None)
