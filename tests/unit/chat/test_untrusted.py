"""What a page says about itself and about the past is cleaned and capped."""

import msgspec
import pytest

from leflux.chat.untrusted import LARGEST, PRIOR_BYTES, encode_context, encode_prior
from leflux.protocol import PriorMessage, Problem

CAP = 65_536


def test_of_a_long_past_the_newest_messages_are_kept() -> None:
    past = [PriorMessage("visitor", f"{number}" + "ü" * 1_000) for number in range(50)]
    kept = encode_prior(past)
    assert kept is not None
    assert len(kept) <= PRIOR_BYTES
    assert msgspec.json.decode(kept) == msgspec.to_builtins(past[-8:])


def test_a_past_that_fits_is_kept_whole_and_none_is_none() -> None:
    past = [PriorMessage("assistant", "Hello")] * 50
    assert msgspec.json.decode(encode_prior(past) or b"") == msgspec.to_builtins(past)
    assert encode_prior([]) is None
    assert encode_prior([PriorMessage("visitor", "x" * 20_000)]) is None


def test_keys_that_set_a_prototype_are_dropped_at_any_depth() -> None:
    context = {"__proto__": 1, "a": [{"__proto__": {}, "b": [{"__proto__": [], "c": "__proto__"}]}]}
    assert msgspec.json.decode(encode_context(context, CAP)) == {"a": [{"b": [{"c": "__proto__"}]}]}


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 1, 10**30])
def test_a_number_that_browsers_cannot_hold_is_refused(number: int) -> None:
    for context in ({"a": number}, {"a": [{"b": number}]}):
        with pytest.raises(Problem) as refused:
            encode_context(context, CAP)
        assert refused.value.code == "invalid_request"


def test_long_digits_that_are_no_such_number_are_kept() -> None:
    context = {"a": LARGEST, "b": -LARGEST, "c": "9" * 40, "d": 1234567890.12345678, "e": True}
    assert msgspec.json.decode(encode_context(context, CAP)) == context
