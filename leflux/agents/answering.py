"""Runs the agent for every open turn, and makes sure that each question ends in exactly one stored outcome.

An open turn is state in the store (`asked > answered`), not in this process. A worker leases it, streams the
answer, and stores the outcome under a key derived from the question, so that a crash at any point leads to
one resumed reply, and a race of two workers to one message.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from msgspec import UNSET, Raw, Struct

from backends.base import SessionStore
from backends.errors import SessionDeleted, SessionNotFound, StorageError, StoreUnavailable
from backends.records import Appended, Draft, Session, SessionRef
from leflux import wire
from leflux.agents.base import Agent, AgentEvent, Ask, Delta, Plan, Turn
from leflux.conversation import reply_key
from leflux.outlet import Outlet
from leflux.privacy import Policy
from leflux.tasks.engine import Reply, Tasks
from leflux.tasks.words import Heard, heard

LEASE = 6.0
RENEW_EVERY = 2.0
MAX_ATTEMPTS = 3
PAGE = 50
STORE_RETRIES = 8

log = structlog.get_logger(__name__)


class _Live(Struct):
    stream_id: str
    text: str = ""
    next_chunk: int = 0


class Turns:
    """One process's share of answering. `deadline`: seconds an agent may stay silent before it has failed."""

    def __init__(
        self,
        store: SessionStore,
        agent: Agent,
        tasks: Tasks,
        policy: Callable[[str], Policy],
        outlet: Outlet,
        deadline: float,
    ) -> None:
        self._store = store
        self._agent = agent
        self._acts = tasks
        self._policy = policy
        self._outlet = outlet
        self._deadline = deadline
        self._worker = str(uuid4())
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._live: dict[str, _Live] = {}
        self._draining = False
        self.finished = 0
        self.failed = 0

    def streams(self, session_id: str) -> list[wire.Stream]:
        """The replies that this process is writing for the session, as far as they are."""
        live = self._live.get(session_id)
        if live is None or not live.next_chunk:
            return []
        return [wire.Stream(live.stream_id, live.text, live.next_chunk)]

    def writes(self, session_id: str) -> bool:
        """Whether this process is answering the session's open turn."""
        return session_id in self._live

    def kick(self, site_id: str, session_id: str) -> None:
        """Answer what is open in the session; returns at once, and may be called at any time."""
        if self._draining:
            return
        if session_id in self._tasks:
            self._again.add(session_id)
            return
        task = asyncio.create_task(self._run(site_id, session_id), name=f"turn {session_id[:8]}")
        self._tasks[session_id] = task
        task.add_done_callback(lambda _: self._ended(site_id, session_id))

    def _ended(self, site_id: str, session_id: str) -> None:
        self._tasks.pop(session_id, None)
        if session_id in self._again:
            self._again.discard(session_id)
            self.kick(site_id, session_id)

    def cancel(self, session_id: str) -> None:
        """Drop the work on a session that is being purged."""
        self._again.discard(session_id)
        if task := self._tasks.get(session_id):
            task.cancel()

    async def drain(self, seconds: float) -> None:
        """Take no new turns; let the running ones end in time, and hand back the others."""
        self._draining = True
        self._again.clear()
        running = list(self._tasks.values())
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, site_id: str, session_id: str) -> None:
        ref = SessionRef(site_id, session_id, self._policy(site_id).idle_ttl)
        try:
            while (session := await self._lease(ref)) is not None:
                if not await self._answer(ref, session):
                    return
        except (SessionNotFound, SessionDeleted):
            return
        except StorageError as error:
            # The turn stays open in the store; the sweep finds it again.
            log.warning("turn left open", session=session_id[:8], error=str(error))
        except asyncio.CancelledError:
            await self._store.unlease(ref, self._worker)
            raise
        except Exception:
            log.exception("turn failed", session=session_id[:8])
        finally:
            self._live.pop(session_id, None)

    async def _lease(self, ref: SessionRef) -> Session | None:
        session = await self._store.lease(ref, self._worker, LEASE)
        if session is not None and session.attempts == 0:
            # Carried over from the question before: taken anew, so that each question's attempts are counted.
            await self._store.unlease(ref, self._worker)
            session = await self._store.lease(ref, self._worker, LEASE)
        return session

    async def _answer(self, ref: SessionRef, session: Session) -> bool:
        """One question, to its outcome. False when there is no question to be found."""
        question = await self._question(ref, session)
        if question is None:
            log.warning("open turn without a question", session=ref.session_id[:8])
            return False
        live = self._live[ref.session_id] = _Live(str(uuid4()))
        if session.attempts > MAX_ATTEMPTS:
            await self._fail(ref, question, live, "the agent was interrupted too often")
            return True
        renewal = asyncio.create_task(self._keep_lease(ref, asyncio.current_task()))
        try:
            await self._reply(ref, question, live, again=session.attempts > 1)
        finally:
            renewal.cancel()
            self._live.pop(ref.session_id, None)
        return True

    async def _question(self, ref: SessionRef, session: Session) -> wire.StoredMessage | None:
        since = session.answered
        while since < session.asked:
            page = await self._store.messages(ref, since, PAGE)
            if not page:
                return None
            for body in page:
                message = msgspec.json.decode(body, type=wire.StoredMessage)
                if message.role == "visitor" or _results(message) is not None:
                    return message
                since = message.seq
        return None

    async def _keep_lease(self, ref: SessionRef, worker: "asyncio.Task[Any] | None") -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                held = await self._store.lease(ref, self._worker, LEASE)
            except StoreUnavailable:
                continue
            except StorageError:
                held = None
            if held is None and worker is not None:
                worker.cancel()
                return

    async def _reply(self, ref: SessionRef, question: wire.StoredMessage, live: _Live, again: bool) -> None:
        # Words for a task, and a task that was stored before a crash, are no business of the agent.
        known: Heard = await self._acts.recover(ref, question) if again else None
        known = known or await heard(self._acts, ref, question)
        if known == "closed":
            return
        try:
            reply = known or await self._ask_agent(ref, question, live)
        except StorageError:
            raise
        except Exception as error:
            self.failed += 1
            log.warning("agent failed", session=ref.session_id[:8], error=repr(error))
            await self._fail(ref, question, live, "the agent did not answer")
            return
        self.finished += 1
        await self._conclude(ref, question, live, reply)
        if reply.kind == "task":
            await self._acts.announce(ref)

    async def _ask_agent(self, ref: SessionRef, question: wire.StoredMessage, live: _Live) -> Reply:
        data: Any = None
        async with aclosing(self._events(self._turn(ref, question))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    await self._chunk(ref, live, event.text)
                elif isinstance(event, Plan):
                    return await self._acts.begin(ref, question, event, _joined(live.text, event.say))
                elif isinstance(event, Ask):
                    asked = {"ask": event.name} | event.data
                    return Reply(_joined(live.text, event.text), "question", asked)
                else:
                    data = event.data
        return Reply(live.text, None, data)

    def _turn(self, ref: SessionRef, question: wire.StoredMessage) -> Turn:
        async def history(count: int) -> list[wire.StoredMessage]:
            since = max(0, question.seq - 1 - count)
            page = await self._store.messages(ref, since, question.seq - 1 - since)
            return [msgspec.json.decode(body, type=wire.StoredMessage) for body in page]

        async def context() -> tuple[bytes | None, bytes | None]:
            return await self._store.context(ref)

        return Turn(ref.site_id, ref.session_id, question, history, context, _results(question))

    async def _events(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]:
        async with aclosing(self._agent.reply(turn)) as events:
            while True:
                try:
                    async with asyncio.timeout(self._deadline):
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                yield event

    async def _chunk(self, ref: SessionRef, live: _Live, delta: str) -> None:
        index = live.next_chunk
        live.text += delta
        live.next_chunk += 1
        payload = {"streamId": live.stream_id, "chunkIndex": index, "delta": delta}
        await self._outlet.emit(ref.session_id, wire.MESSAGE_CHUNK, payload)

    async def _fail(self, ref: SessionRef, question: wire.StoredMessage, live: _Live, reason: str) -> None:
        text = "I could not answer this. Please try again in a moment."
        await self._conclude(ref, question, live, Reply(text, "error", {"reason": reason}))

    async def _conclude(self, ref: SessionRef, question: wire.StoredMessage, live: _Live, reply: Reply) -> None:
        draft = _draft(question, reply, self._policy(ref.site_id).message_log)
        stored = await self._append(ref, draft)
        payload = {"streamId": live.stream_id, "message": Raw(stored.body)}
        self._live.pop(ref.session_id, None)
        await self._outlet.emit(ref.session_id, wire.MESSAGE_DONE, payload, stored.seq)

    async def _append(self, ref: SessionRef, draft: Draft) -> Appended:
        for attempt in range(STORE_RETRIES):
            try:
                return await self._store.append(ref, draft)
            except StoreUnavailable:
                if attempt == STORE_RETRIES - 1:
                    raise
                await asyncio.sleep(min(0.1 * 2**attempt, 2.0))
        raise AssertionError("unreachable")


def _draft(question: wire.StoredMessage, reply: Reply, logged: bool) -> Draft:
    data = UNSET if reply.data is None else reply.data
    message = wire.Message(id=str(uuid4()), role="assistant", text=reply.text, kind=reply.kind or UNSET, data=data)
    return Draft(
        id=message.id,
        role="assistant",
        text=reply.text,
        body=msgspec.json.encode(message),
        client_message_id=reply_key(question.seq),
        kind=reply.kind,
        closes_turn=question.seq,
        logged=logged,
    )


def _joined(before: str, text: str) -> str:
    return f"{before.rstrip()}\n\n{text}".strip() if before.strip() else text


def _results(message: wire.StoredMessage) -> list[dict[str, Any]] | None:
    """What the steps of the agent's own plan came to, when the message is that report."""
    if message.role != "system" or not isinstance(message.data, dict) or not message.data.get("followUp"):
        return None
    results: list[dict[str, Any]] = message.data["results"]
    return results
