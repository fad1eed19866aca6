"""Each of the 41 bad inputs has a row: in this folder, or in a test that is named here."""

import re

from tests.house.files import ROOT

INPUTS = range(1, 42)
HERE = ROOT / "tests" / "security"
ELSEWHERE = {
    "29": "tests/browser/test_face.py::test_hostile_text_stays_text_inside_the_panel",
    "30": "tests/browser/test_storage.py::test_forged_history_is_text_and_the_server_wins",
    "31": "tests/server/agents/test_openai.py::test_the_page_is_fenced_as_data_that_no_page_can_end",
    "32": "tests/browser/test_face.py::test_hostile_text_stays_text_inside_the_panel",
    "34": "tests/unit/crawling/test_crawler.py::test_large_zipped_and_slow_pages_are_cut",
}


def test_every_bad_input_has_a_row() -> None:
    rows = set(ELSEWHERE)
    for path in HERE.glob("test_*.py"):
        text = path.read_text()
        rows |= set(re.findall(r'(?:Case|_origins)\(\s*"(\d+)"', text))
        for docstring in re.findall(r'"""(\d+(?:, \d+)*)', text):
            rows |= set(docstring.split(", "))
    assert [number for number in INPUTS if str(number) not in rows] == []


def test_what_is_tested_elsewhere_is_there() -> None:
    for place in ELSEWHERE.values():
        path, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(), place
