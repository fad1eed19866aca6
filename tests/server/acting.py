"""A simulated visitor: pages that join, run the steps that they get, and leave."""

from pathlib import Path
from typing import Any

import yaml

from tests.server.conftest import Socket, Visitor

SITE = "http://shop.test"
HOME = f"{SITE}/"
FORM = f"{SITE}/form"

PLAYBOOK: dict[str, Any] = {
    "tasks": [
        {
            "id": "form",
            "match": ["fill the form"],
            "say": "I fill it in.",
            "done": "It is filled in.",
            "steps": [
                {"action": "click", "target": "Menu", "description": "Open the menu"},
                {"action": "navigate", "url": "/form", "description": "Go to the form"},
                {"action": "type", "target": {"label": "Topic"}, "value": "Lamps", "description": "Say the topic"},
                {"action": "click", "target": {"role": "button", "name": "Send"}, "description": "Send it"},
            ],
        },
        {
            "id": "demo",
            "match": ["book a demo", "demo"],
            "say": "I book it, {name}.",
            "confirm": "Shall I book for {email}?",
            "done": "Booked for {email}.",
            "steps": [{"action": "type", "target": {"label": "Email"}, "value": "{email}"}],
        },
        {
            "id": "leave",
            "match": ["leave the site"],
            "say": "Off we go.",
            "steps": [{"action": "navigate", "url": "http://evil.test/"}],
        },
    ]
}


def playbook(folder: Path, tree: dict[str, Any] | None = None, **agent: Any) -> dict[str, Any]:
    """The `agent` section that runs a playbook."""
    file = folder / "playbook.yaml"
    file.write_text(yaml.safe_dump(tree or PLAYBOOK))
    return {"kind": "playbook", "playbook": {"path": str(file)}} | agent


class PageView:
    """One page of the visitor, with its own socket."""

    def __init__(self, socket: Socket, session_id: str, url: str) -> None:
        self.socket = socket
        self.session_id = session_id
        self.url = url

    async def report(self, event: str, **fields: Any) -> Any:
        return await self.socket.ask(event, {"sessionId": self.session_id} | fields)

    async def plan(self, count: int = 1) -> dict[str, Any]:
        """The `count`-th plan that this page was sent."""
        found: dict[str, Any] = await self.socket.wait("action_plan", count)
        return found

    async def start(self, plan: dict[str, Any], index: int) -> Any:
        return await self.report("action_started", taskId=plan["taskId"], actionId=plan["actions"][index]["id"])

    async def complete(self, plan: dict[str, Any], index: int, success: bool = True, **result: Any) -> Any:
        fields = {"taskId": plan["taskId"], "actionId": plan["actions"][index]["id"]}
        return await self.report("action_complete", **fields, result={"success": success} | result)

    async def run(self, plan: dict[str, Any], *indexes: int) -> None:
        for index in indexes:
            assert (await self.start(plan, index)) == {"ok": True}
            assert (await self.complete(plan, index)) == {"ok": True}

    async def finish(self, plan: dict[str, Any], success: bool = True, **result: Any) -> Any:
        body = {"success": success, "results": []} | result
        return await self.report("sequence_complete", taskId=plan["taskId"], result=body)

    async def leave(self) -> None:
        await self.socket.client.disconnect()


async def view(visitor: Visitor, session_id: str, url: str = HOME, page: str | None = None) -> PageView:
    """A page of the visitor that has joined; `page` names its instance."""
    socket = await visitor.socket()
    named = {} if page is None else {"page": page}
    joined = await socket.ask("join_session", {"sessionId": session_id, "url": url} | named)
    assert joined["ok"], joined
    return PageView(socket, session_id, url)


async def begin(
    visitor: Visitor, text: str = "please fill the form", url: str = HOME, page: str | None = None
) -> tuple[PageView, Any]:
    """A page on which a task has just begun, and its plan."""
    shown = await view(visitor, await visitor.init(), url, page)
    assert (await shown.socket.say(shown.session_id, text))["ok"]
    return shown, await shown.plan()


async def task_of(visitor: Visitor, session_id: str) -> dict[str, Any]:
    status, answer = await visitor.call("POST", f"/api/session/{session_id}", {})
    assert status == 200, answer
    task: dict[str, Any] = answer["task"]
    return task


async def of_kind(visitor: Visitor, session_id: str, kind: str) -> list[dict[str, Any]]:
    return [message for message in await visitor.messages(session_id) if message.get("kind") == kind]
