"""The judged set: the knowledge agent on a real documentation site of several hundred pages."""

import pytest

from bench.knowledge.judge import FRESH, QUESTIONS, THIRD, Outcome, judge, questions
from bench.knowledge.site import documentation, served
from tests.services import absent

# What is measured today, with a little room for another version of the documentation; see docs/knowledge.md.
CITED, FRESH_CITED, THIRD_CITED = 0.49, 0.41, 0.25
DECLINED = 0.90


def test_the_set_is_large_enough() -> None:
    first, fresh, third = questions(QUESTIONS), questions(FRESH), questions(THIRD)
    assert len(first.answerable) >= 60
    assert len(first.unanswerable) >= 20
    assert len(fresh.answerable) >= 40
    assert len(fresh.unanswerable) >= 15
    assert len(third.answerable) >= 40
    assert len(third.unanswerable) >= 15
    every = [question.ask for asked in (first, fresh, third) for question in asked.answerable + asked.unanswerable]
    assert len(set(every)) == len(every)


@pytest.mark.soak
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
    assert outcome.fresh.cited >= FRESH_CITED, wrong
    assert outcome.fresh.declined >= DECLINED, wrong
    assert outcome.third.cited >= THIRD_CITED
    assert outcome.third.declined >= DECLINED
