"""A model that books a demo: scripted, but like a real one it knows the page only from the data of its request."""

import json
from typing import Any

from aiohttp import web

from tests.server.model_server import Answer, ModelServer, call, text

ADA = {"Name": "Ada Lovelace", "Email": "ada@example.com", "Phone": "+44 20 7946 0000"}
BOOKED = "Your demo is booked, Ada Lovelace."
CHOICES = {"topic": "Lamps for my home", "showroom": "Hamburg", "day": "Thursday", "time": "14:00"}
FIELDS = CHOICES | {name.lower(): value for name, value in ADA.items()}


def agent(model: ModelServer, timeout: str = "20s") -> dict[str, Any]:
    """The `agent` section of a server that asks this model."""
    return {
        "kind": "openai",
        "openai": {"base_url": model.url, "api_key": "secret", "model": "m", "timeout": timeout},
    }


def _ids(request: dict[str, Any]) -> dict[str, str]:
    """Name -> id of the elements in the page data that a request shows."""
    data = request["messages"][1]["content"].splitlines()
    page = json.loads(next(line for line in data if line.startswith("{")))
    return {element["name"]: element["id"] for element in page["elements"]}


def act(*steps: dict[str, Any]) -> Answer:
    """A call that names every element (`on`) by its id, and by nothing else."""

    async def answer(request: web.Request) -> web.StreamResponse:
        page = await request.json()
        named = [{**step, "element_id": _ids(page)[step["on"]]} if "on" in step else step for step in steps]
        plan = [{key: value for key, value in step.items() if key != "on"} for step in named]
        return await call("act", {"steps": plan, "say": "One moment."})(request)

    return answer


def _step(action: str, on: str, **more: str) -> dict[str, Any]:
    return {"action": action, "on": on, "description": f"{action} {on}", **more}


# The page on which the visitor asks has a link to it, and is known to the model with the very first question.
GO = act(_step("click", "Book a demo", url="/demo/book/"))
CHOOSE = act(
    _step("click", CHOICES["topic"]),
    _step("select", "Showroom", value=CHOICES["showroom"]),
    _step("select", "Day", value=CHOICES["day"]),
    _step("select", "Time", value=CHOICES["time"]),
)
GO_ON = act(_step("click", "Continue", url="/demo/book/details.html"))
FILL_IN = act(
    *(_step("type", name, value=value) for name, value in ADA.items()),
    _step("click", "Continue to review", url="/demo/book/review.html"),
)
CONFIRM = act(_step("click", "Confirm booking", url="/demo/book/thanks.html"))
BOOK: list[Answer] = [GO, CHOOSE, GO_ON, FILL_IN, CONFIRM, text("Your demo is booked, ", "Ada Lovelace.")]
