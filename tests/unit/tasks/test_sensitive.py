"""Which fields are never filled: the server decides by what the page tells of a field, as the widget does by the field.

The table of markups, and what the widget tells of each, is the one of the widget's own tests.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from leflux.tasks.sensitive import is_sensitive_field

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[3] / "leflux/widget/tests/fields.json").read_text())


@pytest.mark.parametrize("markup", TABLE["forbidden"])
def test_is_never_filled(markup: str) -> None:
    told = TABLE["told"][markup]
    assert is_sensitive_field(told["it"], told["all"])


@pytest.mark.parametrize("markup", TABLE["harmless"])
def test_may_be_filled(markup: str) -> None:
    told = TABLE["told"][markup]
    assert not is_sensitive_field(told["it"], told["all"])


@pytest.mark.parametrize("value", [None, 7, "text", {"a": 1}, [None, 3, {"x": "card number"}]])
def test_a_description_of_another_shape_breaks_nothing(value: Any) -> None:
    assert not is_sensitive_field({"name": "Topic", "hints": value if not isinstance(value, list) else [None, 3]})
    assert is_sensitive_field({"name": value, "hints": ["cvc"]})
