"""Tasks across crashes: a real process that is killed, and failpoints between two writes (FAULTS 4, 26, 38)."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.server.acting import FORM, HOME, PageView, begin, of_kind, playbook, task_of, view
from tests.server.conftest import ORIGIN, Visitor, settings_tree, until
from tests.services import free_port

ROOT = Path(__file__).parents[2]


class Deployment:
    """One configuration whose server process is started and killed."""

    def __init__(self, folder: Path, hold: str) -> None:
        self.port = free_port()
        tree = settings_tree(folder, "sqlite", agent=playbook(folder), session={"task_hold": hold})
        tree["server"]["port"] = self.port
        self._file = folder / "config.yaml"
        self._file.write_text(yaml.safe_dump(tree))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, http: aiohttp.ClientSession) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "run.py", "--config", str(self._file), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )

        async def ready() -> bool:
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{self.port}/ready", headers={"Origin": ORIGIN}) as answer:
                    return answer.status == 200
            return False

        await until(ready, "the server is ready", 30)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, how)
            await self._process.wait()


@asynccontextmanager
async def deployed(
    folder: Path, hold: str
) -> AsyncIterator[tuple[Deployment, Visitor, Callable[..., Awaitable[None]]]]:
    """A deployment, a visitor of it, and a way to restart it."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        deployment = Deployment(folder, hold)
        stack.push_async_callback(deployment.end)
        await deployment.start(http)
        visitor = Visitor(f"http://127.0.0.1:{deployment.port}", http, stack)

        async def restart(how: signal.Signals = signal.SIGKILL) -> None:
            await deployment.end(how)
            await deployment.start(http)

        yield deployment, visitor, restart


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_that_dies_in_mid_task_resumes_it(tmp_path: Path, how: signal.Signals) -> None:
    async with deployed(tmp_path, "30s") as (_, visitor, restart):
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
    async with deployed(tmp_path, "1s") as (_, visitor, restart):
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
    """FAULTS 26: the page is reloaded again and again, at every point of a step."""
    async with deployed(tmp_path, "30s") as (_, visitor, _restart):
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


async def _reload(visitor: Visitor, page: PageView, url: str) -> PageView:
    await page.leave()
    return await view(visitor, page.session_id, url)
