"""The owner's tasks: how a file is read, and how a conversation fills them in."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import yaml

from leflux.agents.base import AgentEvent, Ask, Delta, Done, Plan, Question
from leflux.agents.echo import EchoAgent
from leflux.agents.playbook.agent import PlaybookAgent, _plan
from leflux.agents.playbook.reader import load_playbook
from leflux.agents.playbook.visitor_data import extract
from leflux.commands import cli
from leflux.config import ConfigError, load
from leflux.protocol import StoredMessage
from leflux.tasks.checks import PageDescription, PlanRefused, check
from leflux.tasks.plans import Expect, PlannedStep, Target
from tests.server.acting import PLAYBOOK, playbook
from tests.server.conftest import settings_tree

ROOT = Path(__file__).parents[3]


def write(folder: Path, tree: Any) -> Path:
    file = folder / "book.yaml"
    file.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
    return file


class Talk:
    """A conversation with a playbook agent, which is given nothing but the stored messages."""

    def __init__(self, folder: Path, fallback: Any = None, **context: Any) -> None:
        self.agent = PlaybookAgent(load_playbook(write(folder, PLAYBOOK)), fallback)
        self.messages: list[StoredMessage] = []
        self.context = context

    def _add(self, role: Any, text: str, **more: Any) -> StoredMessage:
        message = StoredMessage(str(uuid4()), len(self.messages) + 1, role, text, 0, **more)
        self.messages.append(message)
        return message

    async def say(self, text: str) -> AgentEvent:
        """The event that ends the agent's reply."""
        before = list(self.messages)
        question = self._add("visitor", text)

        async def history(count: int) -> list[StoredMessage]:
            return before[-count:]

        async def context() -> tuple[bytes | None, bytes | None]:
            return msgspec.json.encode(self.context), None

        events = [event async for event in self.agent.reply(Question("s", "x", question, history, context))]
        last = events[-1]
        if isinstance(last, Ask):
            self._add("assistant", last.text, kind="question", data={"ask": last.name} | last.data)
        else:
            self._add("assistant", "".join(event.text for event in events if isinstance(event, Delta)))
        return last


def asks(event: AgentEvent) -> str | None:
    assert isinstance(event, Ask)
    return event.name


async def test_data_is_asked_for_one_at_a_time_and_kept(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    assert asks(await talk.say("I would like to BOOK a demo, please.")) == "name"
    assert asks(await talk.say("My name is Ada Lovelace.")) == "email"
    again = await talk.say("no idea")
    assert asks(again) == "email"
    assert isinstance(again, Ask)
    assert "does not look like" in again.text
    plan = await talk.say("it is ada@shop.test, thanks")
    assert isinstance(plan, Plan)
    assert plan.say == "I book it, Ada Lovelace."
    assert plan.confirm == "Shall I book for ada@shop.test?"
    assert plan.steps == [PlannedStep("type", Target(label="Email"), value="ada@shop.test")]
    assert plan.data == {"playbook": "demo"}
    assert isinstance(await talk.say("another demo"), Plan), "it is not asked twice"


async def test_what_the_browser_remembers_is_used_if_it_can_be(tmp_path: Path) -> None:
    talk = Talk(tmp_path, userData={"name": "Ada", "email": "nonsense"})
    assert asks(await talk.say("demo")) == "email"
    talk = Talk(tmp_path, userData={"name": "Ada", "email": "ada@shop.test"})
    assert isinstance(await talk.say("demo"), Plan)
    hostiles: list[Any] = [{"name": 7, "email": {}}, [], "x", None]
    for hostile in hostiles:
        assert asks(await Talk(tmp_path, userData=hostile).say("demo")) == "name"


async def test_what_is_said_is_newer_than_what_the_browser_remembers(tmp_path: Path) -> None:
    talk = Talk(tmp_path, userData={"email": "old@shop.test"})
    await talk.say("demo")
    talk.context = {"userData": {"name": "Old", "email": "old@shop.test"}}
    plan = await talk.say("New")
    assert isinstance(plan, Plan)
    assert plan.say == "I book it, New."


@pytest.mark.parametrize("words", ["never mind", "No, thanks.", "Nein danke", "stop"])
async def test_a_refusal_leaves_the_form(tmp_path: Path, words: str) -> None:
    talk = Talk(tmp_path, EchoAgent())
    assert asks(await talk.say("demo")) == "name"
    assert isinstance(await talk.say(words), Done)
    assert talk.messages[-1].text == f"echo: {words}"


async def test_another_task_may_be_asked_for_instead_of_an_answer(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.say("demo")
    plan = await talk.say("please fill the form")
    assert isinstance(plan, Plan)
    assert plan.data == {"playbook": "form"}


@pytest.mark.parametrize("text", ["demonstration", "fill form the", "the shop", ""])
async def test_a_phrase_matches_whole_words_in_order(tmp_path: Path, text: str) -> None:
    assert isinstance(await Talk(tmp_path).say(text), Done)


async def test_without_a_fallback_the_visitor_hears_what_can_be_done(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    await talk.say("hm")
    assert "fill the form" in talk.messages[-1].text


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("name", "Hi, I'm Ada", "Ada"),
        ("name", "  Zoë  O’Neil ", "Zoë O’Neil"),
        ("name", "123", None),
        ("name", "x" * 101, None),
        ("email", "<ada.b+c@mail.shop.test>", "ada.b+c@mail.shop.test"),
        ("email", "ada@shop", None),
        ("email", "@shop.test", None),
        ("phone", "call +45 70 00 48 48 please", "+45 70 00 48 48"),
        ("phone", "12345", None),
        ("phone", "1" * 20, None),
        ("email", "a@" + "a." * 50_000, None),
        ("phone", "1" * 100_000, None),
    ],
)
def test_an_answer_is_read_for_its_datum(field: str, text: str, found: str | None) -> None:
    assert extract(field, text) == found


def task(**fields: Any) -> dict[str, Any]:
    step = {"action": "click", "target": "x"}
    return {"tasks": [{"id": "a", "match": ["b"], "steps": [step]} | fields]}


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({}, "`tasks`"),
        ({"tasks": []}, "$.tasks"),
        ({"tasks": [], "more": 1}, "more"),
        (task(match=[]), "$.tasks[0].match"),
        (task(match=["?!"]), "$.tasks[0].match"),
        (task(id="a b"), "$.tasks[0].id"),
        (task(steps=[]), "$.tasks[0].steps"),
        (task(steps=[{"action": "fly"}]), "$.tasks[0].steps[0].action"),
        (task(steps=[{"action": "click"}]), "$.tasks[0].steps[0].target"),
        (task(steps=[{"action": "type", "target": "x"}]), "$.tasks[0].steps[0].value"),
        (task(steps=[{"action": "navigate"}]), "$.tasks[0].steps[0].url"),
        (task(steps=[{"action": "wait", "value": "soon"}]), "$.tasks[0].steps[0].value"),
        (task(steps=[{"action": "click", "target": {"nme": "x"}}]), "$.tasks[0].steps[0].target"),
        (task(steps=[{"action": "click", "target": "x", "value": "y"}]), "$.tasks[0].steps[0].value"),
        (task(steps=[{"action": "type", "target": "x", "value": "{age}"}]), "$.tasks[0].steps[0].value"),
        (task(say="Hi {nme}"), "$.tasks[0].say"),
        (task(say="See {page.title}"), "$.tasks[0].say"),
        (task(done="See {page.titel}"), "$.tasks[0].done"),
        (task(steps=[{"action": "click", "target": "x", "expect": {}}]), "$.tasks[0].steps[0].expect"),
        (
            task(steps=[{"action": "click", "target": "x", "expect": {"text": "y", "within": "5m"}}]),
            "$.tasks[0].steps[0].expect.within",
        ),
        (
            task(steps=[{"action": "click", "target": "x", "expect": {"text": "{age}"}}]),
            "$.tasks[0].steps[0].expect.text",
        ),
        (task(colour="red"), "colour"),
        ({"tasks": task()["tasks"] + task()["tasks"]}, "$.tasks[1].id"),
        ("tasks: [", "line 1"),
    ],
)
def test_an_error_names_the_file_and_the_path(tmp_path: Path, tree: Any, path: str) -> None:
    file = write(tmp_path, tree)
    with pytest.raises(ConfigError) as caught:
        load_playbook(file)
    assert str(caught.value).startswith(str(file))
    assert path in str(caught.value)


@pytest.mark.parametrize("kind", ["playbook", "echo"])
def test_a_playbook_that_cannot_be_read_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    agent = playbook(tmp_path, task(steps=[]), kind=kind)
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path, agent=agent)))
    assert cli.main(["--config", str(file), "check"]) == 2
    assert "$.tasks[0].steps" in capsys.readouterr().err
    (tmp_path / "playbook.yaml").unlink()
    assert cli.main(["--config", str(file)]) == 2


def test_the_check_warns_of_clicks_that_nobody_can_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clicks: list[dict[str, Any]] = [{"target": "Pay"}, {"target": "Pay", "expect": {"text": "Paid"}}]
    clicks += [{"target": "Pay", "url": "/paid"}, {"target": {"role": "radio", "name": "Card"}}]
    agent = playbook(tmp_path, task(steps=[{"action": "click"} | click for click in clicks]))
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path, agent=agent)))
    assert cli.main(["--config", str(file), "check"]) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 1
    assert "$.tasks[0].steps[0]: a click that nobody can verify" in warnings[0]


def test_what_a_step_expects_is_read_and_filled_in(tmp_path: Path) -> None:
    expect = {"text": "Thanks, {name}", "element": "Order", "gone": {"role": "button"}, "within": "2s", "url": "/ok"}
    tasks = load_playbook(write(tmp_path, task(steps=[{"action": "click", "target": "x", "expect": expect}])))
    assert tasks[0].asks == ("name",)
    planned = _plan(tasks[0], {"name": "Ada"})
    assert isinstance(planned, Plan)
    gone = Target(role="button")
    assert planned.steps[0].expect == Expect("/ok", "Thanks, Ada", Target(name="Order"), gone, 2_000)
    page = PageDescription("http://shop.test/", {}, lambda url: url.startswith("http://shop.test/"))
    checked = check(planned.steps, page)[0].expect
    assert checked is not None
    assert checked.url == "http://shop.test/ok"


@pytest.mark.parametrize(
    "expect", [Expect(), Expect(url="http://evil.test/"), Expect(text="x" * 301), Expect(text="x", within=30_001)]
)
def test_an_expectation_without_bounds_is_refused(expect: Expect) -> None:
    page = PageDescription("http://shop.test/", {}, lambda url: url.startswith("http://shop.test/"))
    with pytest.raises(PlanRefused):
        check([PlannedStep("click", Target(name="x"), expect=expect)], page)


def test_the_shipped_playbook_is_allowed_on_the_demo_site() -> None:
    tasks = load_playbook(ROOT / "config" / "playbook.yaml")
    assert [each.id for each in tasks] == ["book-a-demo", "write-to-us"]
    assert tasks[0].asks == ("showroom", "day", "time", "name", "email", "phone")
    for each in tasks:
        assert check(list(each.steps), PageDescription("http://localhost:8080/demo/", {}, lambda _: True))


def test_no_playbook_is_read_unless_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path)))
    assert load(file).agent.playbook is None


def test_an_endpoint_that_is_no_address_is_a_configuration_error(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path, agent={"kind": "openai", "openai": {"base_url": "api"}})))
    with pytest.raises(ConfigError, match=r"\$\.agent\.openai\.base_url"):
        load(file)
