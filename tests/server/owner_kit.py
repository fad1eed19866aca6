"""A signed-in owner of a server under test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import yaml

from leflux.chat.conversation_ids import ConversationIdSource
from leflux.common.server_key import ServerKey
from leflux.config import load
from leflux.runtime.server import LeFlux
from tests.server.conftest import Visitor, settings_tree, until

EMAIL, PASSWORD = "owner@shop.test", "correct horse battery"
PRIVACY = "/sites/shop/privacy"


class OwnerKit:
    """One running server: its visitors, and owners by token or by cookie."""

    def __init__(self, server: LeFlux, base: str, stack: AsyncExitStack, told: list[tuple[str, str]]) -> None:
        self.server = server
        self.base = base
        self.told = told
        self._stack = stack

    @property
    def owners(self) -> Any:
        assert self.server.process is not None
        return self.server.process.owner_service.accounts

    @property
    def storage(self) -> Any:
        assert self.server.process is not None
        return self.server.process.storage

    async def named(self, *session_ids: str) -> list[str]:
        """The conversation ids of sessions."""
        ids = await ConversationIdSource(ServerKey(self.storage.settings)).get()
        return [ids.of(session_id) for session_id in session_ids]

    async def http(self) -> aiohttp.ClientSession:
        return await self._stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))

    async def visitor(self) -> Visitor:
        return Visitor(self.base, await self.http(), self._stack)

    async def owner(self, *sites: str, email: str = EMAIL) -> "Caller":
        """Calls with an API token of an account that may see `sites` (none: all of them)."""
        await self.owners.set_account(email, sites or ["*"], None)
        token = await self.owners.add_token(email)
        return Caller(self.base, await self.http(), {"Authorization": f"Bearer {token}"})

    async def anonymous(self) -> "Caller":
        return Caller(self.base, await self.http(), {})


class Caller:
    """Calls the owner's API."""

    def __init__(self, base: str, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        self.base = base
        self.http = http
        self.headers = headers

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and parsed JSON; `body` may be raw bytes of JSON."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {"headers": sent}
        if isinstance(body, bytes):
            options |= {"data": body, "headers": sent | {"Content-Type": "application/json"}}
        elif body is not None:
            options["json"] = body
        async with self.http.request(method, f"{self.base}/api/admin{path}", **options) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> Any:
        """The answer of a call that must succeed."""
        status, answer = await self.call("GET", path)
        assert status == 200, answer
        return answer


@asynccontextmanager
async def owning(tmp_path: Path, backend: str = "memory", **sections: Any) -> AsyncIterator[OwnerKit]:
    file = tmp_path / f"{uuid4()}.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path, backend, **sections)))
    told: list[tuple[str, str]] = []
    server = LeFlux(load(file), lambda email, password: told.append((email, password)))
    port = await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        yield OwnerKit(server, f"http://127.0.0.1:{port}", stack, told)


async def converse(visitor: Visitor, *texts: str, **init: Any) -> str:
    """A session in which the visitor has said `texts` and the echo has answered each."""
    session_id = await visitor.init(**init)
    for number, text in enumerate(texts, 1):
        body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text}
        status, answer = await visitor.call("POST", "/api/chat", body)
        assert status == 200, answer

        async def is_answered(count: int = 2 * number) -> bool:
            return len(await visitor.messages(session_id)) >= count

        await until(is_answered, f"{number} answers")
    return session_id


async def change(owner: Caller, **rules: Any) -> Any:
    """Change some of the privacy rules; all of them, as they are now."""
    now = await owner.get(PRIVACY)
    status, after = await owner.call("PUT", PRIVACY, now | rules)
    assert status == 200, after
    return after


async def say(visitor: Visitor, session_id: str, text: str) -> int:
    body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text}
    return (await visitor.call("POST", "/api/chat", body))[0]
