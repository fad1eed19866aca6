"""Tasks across crashes and processes: real servers that are killed, over SQLite and Redis."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.server.acting import FORM, HOME, PageView, begin, of_kind, playbook, task_of, view
from tests.server.conftest import Visitor, settings_tree, until
from tests.services import free_port
from tests.services.redis import redis
from tests.services.server import ServerProcess

Restart = Callable[..., Awaitable[None]]


def configure(folder: Path, name: str, **sections: Any) -> ServerProcess:
    """A server with a playbook on a free port."""
    tree = settings_tree(folder, "sqlite", agent=playbook(folder)) | sections
    port = free_port()
    tree["server"] = {"host": "127.0.0.1", "port": port}
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(tree))
    return ServerProcess(file, port)


@asynccontextmanager
async def deployed(folder: Path, hold: str) -> AsyncIterator[tuple[Visitor, Restart]]:
    """A visitor of a server, and a way to restart it."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        server = await stack.enter_async_context(configure(folder, "one", session={"task_hold": hold}))

        async def restart(how: signal.Signals = signal.SIGKILL) -> None:
            server.signal(how)
            await server.stopped()
            await server.start()

        yield Visitor(server.base, http, stack), restart


@asynccontextmanager
async def fleet(
    folder: Path, hold: str, deaf: bool = False
) -> AsyncIterator[tuple[list[ServerProcess], list[Visitor]]]:
    """Two servers over one Redis, and one visitor's view of each. `deaf`: no event of one ever reaches the other."""
    async with AsyncExitStack() as stack:
        store = stack.enter_context(redis())
        other = stack.enter_context(redis()) if deaf else store
        http = await stack.enter_async_context(aiohttp.ClientSession())
        shared: dict[str, Any] = {"storage": {"backend": "redis", "redis": {"url": store.url}}}
        shared["session"] = {"task_hold": hold}
        buses = {"one": store.url, "two": other.url}
        servers = [
            await stack.enter_async_context(configure(folder, name, bus=bus, **shared)) for name, bus in buses.items()
        ]
        yield servers, [Visitor(server.base, http, stack) for server in servers]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_that_dies_in_mid_task_resumes_it(tmp_path: Path, how: signal.Signals) -> None:
    async with deployed(tmp_path, "30s") as (visitor, restart):
        page, plan = await begin(visitor)
        await page.run(plan, 0)
        assert (await page.start(plan, 1))["ok"]
        await restart(how)
        after = await view(visitor, page.session_id, FORM)
        again = await after.plan()
        assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"][2:]]
        await after.run(again, 0, 1)
        await after.finish(again)
        await after.socket.wait("task_complete")
        assert len(await of_kind(visitor, page.session_id, "task")) == 2


async def test_a_server_that_dies_and_nobody_returns_aborts_the_task_once(tmp_path: Path) -> None:
    async with deployed(tmp_path, "1s") as (visitor, restart):
        page, _ = await begin(visitor)
        await restart()

        async def aborted() -> bool:
            return bool(await of_kind(visitor, page.session_id, "aborted"))

        await until(aborted, "the task is aborted")
        await restart()
        late = await view(visitor, page.session_id, HOME)
        assert late.socket.of("action_plan") == []
        [message] = await of_kind(visitor, page.session_id, "aborted")
        assert message["data"]["reason"] == "reload"


async def test_a_hundred_reloads_in_mid_task_are_one_task_and_every_step_runs_once(tmp_path: Path) -> None:
    """T1 to T4: the page is reloaded again and again, at every point of a step."""
    async with deployed(tmp_path, "30s") as (visitor, _):
        page, plan = await begin(visitor)
        started: list[str] = []
        reloads = 0
        while plan["actions"]:
            reloads += 1
            step = plan["actions"][0]
            if step["action"] == "click":
                # A click is started once: the reload that hides its outcome is answered by the visitor.
                assert (await page.start(plan, 0))["ok"]
                started.append(step["id"])
                page = await _reload(visitor, page, step["expectUrl"])
                await page.socket.wait("confirmation_required")
                await page.report("confirmation_response", confirmed=False)
                if step["id"] == plan["actions"][-1]["id"]:
                    break
                plan = await page.plan()
                continue
            for _ in range(48):
                reloads += 1
                page = await _reload(visitor, page, step["expectUrl"])
                plan = await page.plan()
                assert plan["actions"][0]["id"] == step["id"]
            await page.run(plan, 0)
            started.append(step["id"])
            plan = {"taskId": plan["taskId"], "actions": plan["actions"][1:]}
        await page.socket.wait("task_complete")
        assert reloads >= 100
        assert len(started) == len(set(started)) == 4
        texts = [m["text"] for m in await visitor.messages(page.session_id) if m["role"] == "assistant"]
        assert texts == ["I fill it in.", "It is filled in."]
        assert (await task_of(visitor, page.session_id))["status"] == "done"


async def test_a_page_that_returns_to_another_process_resumes_there_when_the_first_has_died(tmp_path: Path) -> None:
    async with fleet(tmp_path, "30s") as (servers, (first, second)):
        page, plan = await begin(first)
        await page.run(plan, 0)
        assert (await page.start(plan, 1))["ok"]
        await servers[0].kill()
        after = await view(second, page.session_id, FORM)
        again = await after.plan()
        assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"][2:]]
        await after.run(again, 0, 1)
        await after.finish(again)
        await after.socket.wait("task_complete")


async def test_a_takeover_in_another_process_fences_the_page_that_had_the_task(tmp_path: Path) -> None:
    async with fleet(tmp_path, "30s") as (_, (first, second)):
        page, plan = await begin(first)
        await page.run(plan, 0)
        other = await view(second, page.session_id, HOME)
        again = await other.plan()
        answers = [await page.start(plan, 1), await page.complete(plan, 1), await page.finish(plan, False)]
        assert {answer["error"] for answer in answers} == {"not_owner"}
        await other.run(again, 0)


async def test_two_processes_end_a_task_that_nobody_came_back_for_once(tmp_path: Path) -> None:
    async with fleet(tmp_path, "1s") as (_, (first, second)):
        page, _ = await begin(first)
        await page.leave()

        async def aborted() -> bool:
            return bool(await of_kind(second, page.session_id, "aborted"))

        await until(aborted, "the task is aborted", 20)
        late = await view(second, page.session_id, HOME)
        assert late.socket.of("action_plan") == []
        assert len(await of_kind(first, page.session_id, "aborted")) == 1


async def test_a_message_by_http_to_another_process_begins_a_task_on_the_visitors_page(tmp_path: Path) -> None:
    async with fleet(tmp_path, "30s") as (_, (first, second)):
        page = await view(first, await first.init())
        await page.report("update_context", context={"url": HOME})
        chat = {"sessionId": page.session_id, "clientMessageId": "one", "message": "fill the form"}
        status, _ = await second.call("POST", "/api/chat", chat)
        assert status == 200
        plan = await page.plan()
        await page.run(plan, 0, 1, 2, 3)
        await page.finish(plan)
        await page.socket.wait("task_complete")


async def test_a_plan_that_the_bus_has_lost_reaches_the_page_all_the_same(tmp_path: Path) -> None:
    """R1: the store is the truth, events are hints."""
    async with fleet(tmp_path, "30s", deaf=True) as (_, (first, second)):
        page = await view(first, await first.init())
        await page.report("update_context", context={"url": HOME})
        chat = {"sessionId": page.session_id, "clientMessageId": "one", "message": "fill the form"}
        assert (await second.call("POST", "/api/chat", chat))[0] == 200
        await until(lambda: bool(page.socket.of("action_plan")), "the plan arrives", 30)
        await page.run(await page.plan(), 0)


async def _reload(visitor: Visitor, page: PageView, url: str) -> PageView:
    await page.leave()
    return await view(visitor, page.session_id, url)
