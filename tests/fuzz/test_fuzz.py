"""Whatever comes, each reader gives a value or its own error: a few hundred inputs in every run, a minute in soak."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import documents, wires

EXAMPLES, SOAK_SECONDS, SOAK_EXAMPLES = 300, 60, 2_000
_COMMON: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


class Harness(NamedTuple):
    """`check` fails for an input of which a reader makes something wrong. `corpus`: inputs that once were such."""

    strategy: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    corpus: Sequence[Any]


HARNESSES = {
    "requests": Harness(wires.REQUESTS, wires.check_requests, wires.REQUEST_CORPUS),
    "frames": Harness(wires.FRAMES, wires.check_frames, wires.FRAME_CORPUS),
    "packets": Harness(wires.PACKETS, wires.check_packets, wires.PACKET_CORPUS),
    "records": Harness(documents.RECORDS, documents.check_records, documents.RECORD_CORPUS),
    "bodies": Harness(documents.BODIES, documents.check_bodies, documents.BODY_CORPUS),
    "sitemaps": Harness(documents.SITEMAPS, documents.check_sitemaps, documents.SITEMAP_CORPUS),
    "pages": Harness(documents.PAGES, documents.check_pages, documents.PAGE_CORPUS),
    "configurations": Harness(documents.CONFIGURATIONS, documents.check_configurations, documents.CONFIGURATION_CORPUS),
}
every_harness = pytest.mark.parametrize("harness", HARNESSES.values(), ids=HARNESSES)


@every_harness
def test_what_was_once_wrong_is_right(harness: Harness) -> None:
    for found in harness.corpus:
        harness.check(found)


@every_harness
def test_a_few_hundred_inputs(harness: Harness) -> None:
    short = settings(max_examples=EXAMPLES, derandomize=True, phases=[Phase.generate, Phase.shrink], **_COMMON)
    short(given(harness.strategy)(harness.check))()


@pytest.mark.soak
@pytest.mark.timeout(600)
@every_harness
def test_a_minute_of_inputs(harness: Harness) -> None:
    end = time.monotonic() + SOAK_SECONDS
    while time.monotonic() < end:
        start = random.randrange(2**32)
        long = settings(max_examples=SOAK_EXAMPLES, print_blob=True, **_COMMON)
        seed(start)(long(given(harness.strategy)(harness.check)))()
