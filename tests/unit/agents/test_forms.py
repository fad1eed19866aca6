"""A form that is filled in by talking: choices, questions in between, changes, and what cannot be a value."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from leflux.agents.base import Ask, Delta, Done, Plan, Question
from leflux.agents.playbook.agent import PlaybookAgent
from leflux.agents.playbook.reader import load_playbook
from leflux.config import ConfigError
from tests.unit.agents import test_playbook
from tests.unit.agents.test_playbook import asks

SHOWROOM = {"ask": "In which showroom?", "options": ["Aarhus", "Hamburg", "Amsterdam"]}
DAY = {"ask": "On which day?", "options": ["Thursday", "Friday", "Saturday"]}
TIME = {"ask": "At what time?", "options": ["10:00", "14:00"], "default": "14:00"}
VISIT = {
    "id": "visit",
    "match": ["book a visit"],
    "confirm": "Shall I book {showroom}, {day} at {time}, for {email}?",
    "choices": {"showroom": SHOWROOM, "day": DAY, "time": TIME},
    "steps": [{"action": "select", "target": {"label": "Day"}, "value": "{day}"}],
}


class Talk(test_playbook.Talk):
    """A conversation about the visit."""

    def __init__(self, folder: Path, fallback: Any = None, **context: Any) -> None:
        super().__init__(folder, fallback, **context)
        file = folder / "visit.yaml"
        file.write_text(yaml.safe_dump({"tasks": [VISIT]}, sort_keys=False))
        self.agent = PlaybookAgent(load_playbook(file), fallback)


class Answers:
    """Answers every question with its source."""

    async def reply(self, question: Question) -> Any:
        yield Delta("It costs nothing.")
        yield Done({"answered": True, "sources": []})

    async def close(self) -> None:
        return None


async def test_one_sentence_fills_what_it_says(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    assert asks(await talk.say("book a visit")) == "showroom"
    assert asks(await talk.say("In Aarhus on Friday")) == "email"
    plan = await talk.say("ada@shop.test")
    assert isinstance(plan, Plan)
    assert plan.confirm == "Shall I book Aarhus, Friday at 14:00, for ada@shop.test?"
    assert plan.steps[0].value == "Friday"


async def test_the_first_sentence_may_say_everything(tmp_path: Path) -> None:
    talk = Talk(tmp_path, userData={"email": "ada@shop.test"})
    plan = await talk.say("Please book a visit in Hamburg on Saturday at 10:00")
    assert isinstance(plan, Plan)
    assert plan.confirm == "Shall I book Hamburg, Saturday at 10:00, for ada@shop.test?"
    assert asks(await talk.say("book a visit")) == "showroom", "an earlier booking fills in nothing"


async def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(tmp_path: Path) -> None:
    talk = Talk(tmp_path, Answers())
    await talk.say("book a visit in Aarhus")
    aside = await talk.say("what does it cost?")
    assert asks(aside) == "day"
    assert isinstance(aside, Ask)
    assert aside.data["answered"] is True
    assert "On which day?" in aside.text
    assert asks(await talk.say("Thursday")) == "email"
    assert asks(await talk.say("how long does it take")) == "email"
    assert isinstance(await talk.say("ada@shop.test"), Plan)


async def test_a_choice_is_changed_on_the_way(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.say("book a visit in Aarhus on Friday")
    assert asks(await talk.say("change the day")) == "day"
    assert asks(await talk.say("Saturday")) == "email"
    assert asks(await talk.say("change the showroom to Hamburg")) == "email"
    plan = await talk.say("ada@shop.test")
    assert isinstance(plan, Plan)
    assert plan.confirm == "Shall I book Hamburg, Saturday at 14:00, for ada@shop.test?"


@pytest.mark.parametrize(("locale", "reason"), [("en", "@"), ("de-DE", "@"), ("ja", "@"), ("ar", "@")])
async def test_what_is_no_address_is_asked_for_again_with_the_reason(tmp_path: Path, locale: str, reason: str) -> None:
    talk = Talk(tmp_path, locale=locale)
    await talk.say("book a visit in Aarhus on Friday")
    again = await talk.say("ada at shop")
    assert isinstance(again, Ask)
    assert again.name == "email"
    assert reason in again.text


async def test_what_is_none_of_the_options_is_asked_for_again_with_them(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.say("book a visit")
    again = await talk.say("In Paris")
    assert isinstance(again, Ask)
    assert again.text == "In which showroom? (Aarhus, Hamburg, Amsterdam)"


@pytest.mark.parametrize(
    "choices",
    [{"email": DAY}, {"no name": DAY}, {"day": DAY | {"options": []}}, {"day": DAY | {"default": "Monday"}}],
)
def test_a_choice_that_cannot_work_is_an_error(tmp_path: Path, choices: dict[str, Any]) -> None:
    file = tmp_path / "visit.yaml"
    steps = [{"action": "navigate", "url": "/"}]
    file.write_text(yaml.safe_dump({"tasks": [VISIT | {"choices": choices, "confirm": "Shall I?", "steps": steps}]}))
    with pytest.raises(ConfigError, match="choices"):
        load_playbook(file)
