"""A person in the conversation, over two processes: with the bus, without it, and when a process is killed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import Services
from tests.server.conftest import Socket
from tests.server.fleet import Member, fleet
from tests.server.owner.test_admin_processes import owner_of
from tests.server.owner_kit import Caller
from tests.services.redis import RedisServer, redis
from tests.services.wait import until

SLOW = {"kind": "echo", "echo": {"delay": "100ms"}}
LONG = " ".join(f"word{number}" for number in range(60))


@pytest.fixture
def store(services: Services) -> RedisServer:
    found: RedisServer = services.get(redis)
    return found


class Scene:
    """The visitor's page is in the first process, the owner in the second one."""

    def __init__(self, session_id: str, page: Socket, owner: Caller) -> None:
        self.session_id = session_id
        self.page = page
        self.owner = owner

    async def call(self, verb: str, body: Any = None) -> Any:
        return await self.owner.call("POST", f"/sites/shop/sessions/{self.session_id}/{verb}", body or {})

    async def done(self, verb: str, body: Any = None) -> Any:
        status, answer = await self.call(verb, body)
        assert status == 200, answer
        return answer

    async def speak(self, text: str, client_id: str) -> Any:
        return await self.call("say", {"clientMessageId": client_id, "text": text})

    def person(self) -> Any:
        """Who has the conversation, as the page was told last."""
        told = self.page.of("presence")
        return told[-1]["person"] if told else None

    def texts(self) -> list[str]:
        return [message["text"] for message in sorted(self.page.of("message"), key=lambda message: message["seq"])]


async def opened(first: Member, second: Member) -> Scene:
    session_id = await first.visitor.init()
    page = await first.visitor.socket(session_id)
    await page.wait("session_joined")
    return Scene(session_id, page, await owner_of(second, second.visitor.http))


async def told(condition: Callable[[], bool], what: str) -> None:
    async def holds() -> bool:
        return condition()

    await until(holds, what)


@pytest.mark.parametrize("is_cut", [False, True], ids=["bus", "bus away"])
async def test_a_person_in_another_process_is_seen_and_heard(tmp_path: Path, store: RedisServer, is_cut: bool) -> None:
    async with fleet(tmp_path, store, agent=SLOW) as (first, second):
        scene = await opened(first, second)
        if is_cut:
            for member in (first, second):
                member.bus.hold()
        await scene.page.say(scene.session_id, LONG)
        await scene.page.wait("message_chunk", 2)
        await scene.done("take", {"name": "Ann"})
        await told(lambda: scene.person() == {"name": "Ann"}, "the page sees Ann")
        assert (await scene.speak("hello", "o-1"))[0] == 200
        await told(lambda: scene.texts() == ["hello"], "the page has the message")
        await scene.page.say(scene.session_id, "thank you")
        await scene.done("release")
        await told(lambda: scene.person() is None, "the page sees that Ann has left")
        await scene.page.say(scene.session_id, "bot?")
        done = await scene.page.wait("message_done")
        assert done["message"]["text"] == "echo: bot?"
        stored = [message["text"] for message in await second.visitor.messages(scene.session_id)]
        assert stored == [LONG, "hello", "thank you", "bot?", "echo: bot?"]


@pytest.mark.parametrize("is_stored", [False, True], ids=["at once", "once it is stored"])
async def test_a_message_survives_the_death_of_the_process_between_click_and_screen(
    tmp_path: Path, store: RedisServer, is_stored: bool
) -> None:
    async with fleet(tmp_path, store) as (first, second):
        scene = await opened(first, second)
        await scene.done("take")
        clicked = asyncio.create_task(scene.speak("do you hear me?", "o-1"))

        async def is_there() -> bool:
            return bool(await first.visitor.messages(scene.session_id))

        if is_stored:
            await until(is_there, "the message is stored")
        await second.server.kill()
        with suppress(aiohttp.ClientError):
            await clicked
        await second.server.start()
        # The dashboard's outbox sends it again.
        status, answer = await scene.speak("do you hear me?", "o-1")
        assert (status, answer["seq"]) == (200, 1)
        await told(lambda: scene.texts() == ["do you hear me?"], "the page has the message once")
        await scene.done("release")
        await told(lambda: scene.person() is None, "the page sees that the person has left")


async def test_two_processes_agree_on_who_has_it(tmp_path: Path, store: RedisServer) -> None:
    async with fleet(tmp_path, store) as (first, second):
        scene = await opened(first, second)
        other = await owner_of(first, first.visitor.http)
        path = f"/sites/shop/sessions/{scene.session_id}"
        await scene.done("take", {"name": "Ann"})
        # The same account in another process: a repeat.
        status, again = await other.call("POST", f"{path}/take", {"name": "Ann"})
        assert (status, again["person"]["isYou"]) == (200, True)
        assert (await other.get(path))["person"] == again["person"]
        assert (await other.call("POST", f"{path}/release", {}))[1] == {"released": True}
        assert (await scene.speak("still me?", "o-1"))[1]["error"] == "not_taken"
