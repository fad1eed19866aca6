"""The judged set: the knowledge agent on a real documentation site of several hundred pages."""

import pytest

from bench.knowledge.judge import Outcome, judge, questions
from bench.knowledge.site import documentation, served
from tests.services import absent

# What is measured today, with a little room for another version of the documentation; see docs/knowledge.md.
CITED = 0.80
DECLINED = 0.90


def test_the_set_is_large_enough() -> None:
    asked = questions()
    assert len(asked.answerable) >= 60
    assert len(asked.unanswerable) >= 20
    every = [question.ask for question in asked.answerable + asked.unanswerable]
    assert len(set(every)) == len(every)


@pytest.mark.timeout(600)
async def test_the_right_page_is_cited_and_the_rest_declined() -> None:
    folder = documentation()
    if folder is None:
        absent("Python's documentation (python3.11-doc)")
        return
    with served(folder) as base:
        outcome: Outcome = await judge(base)
    assert outcome.pages >= 300
    wrong = [verdict for verdict in outcome.verdicts if not verdict.right]
    assert outcome.overall.cited >= CITED, wrong
    assert outcome.overall.declined >= DECLINED, wrong
