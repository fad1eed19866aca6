"""Runs the agent for every open question, and makes sure that each question ends in exactly one stored outcome.

An open question is state in the store (`asked > answered`), not in this process. A worker leases it, streams the
answer, and stores the outcome under a key derived from the question. So a crash at any point leads to one resumed
reply, and a race of two workers to one message.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from msgspec import Raw

from backends.errors import SessionDeleted, SessionNotFound, SessionTaken, StorageError, StoreUnavailable
from backends.records import Appended, Draft, Session, SessionRef
from leflux import protocol
from leflux.agents.base import Agent, AgentEvent, AnsweringStore, Ask, Delta, Plan, Question, plan_results
from leflux.agents.leases import TurnLeases
from leflux.agents.replies import ReplyInProgress, draft_of, joined, unanswered_event, visitor_language
from leflux.agents.silent import SilentAgent
from leflux.chat.conversation_events import ConversationEvents
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorPort
from leflux.common.catalogue import say
from leflux.tasks.engine import Reply, TaskEngine
from leflux.tasks.words import Heard, obeyed

MAX_ATTEMPTS = 3
PAGE = 50
STORE_RETRIES = 8

log = structlog.get_logger(__name__)


class Answering:
    """One process's share of answering. `deadline`: seconds an agent may stay silent before it has failed."""

    def __init__(
        self,
        *,
        store: AnsweringStore,
        agent: Agent,
        tasks: TaskEngine,
        policy: Callable[[str], Policy],
        visitors: VisitorPort,
        deadline: float,
        events: ConversationEvents | None = None,
    ) -> None:
        self._store = store
        self._agent = agent
        self._task_engine = tasks
        self._policy = policy
        self._visitors = visitors
        self._deadline = deadline
        self.replies = not isinstance(agent, SilentAgent)
        self._told = events
        self._leases = TurnLeases(store)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._live: dict[str, ReplyInProgress] = {}
        self._draining = False
        self.finished = 0
        self.failed = 0

    def streams(self, session_id: str) -> list[protocol.Stream]:
        """The replies that this process is writing for the session, as far as they are."""
        live = self._live.get(session_id)
        if live is None or not live.next_chunk:
            return []
        return [protocol.Stream(live.stream_id, live.text, live.next_chunk)]

    def writes(self, session_id: str) -> bool:
        """Whether this process is answering the session's open question."""
        return session_id in self._live

    def wake(self, site_id: str, session_id: str) -> None:
        """Answer what is open in the session; returns at once, and may be called at any time."""
        if self._draining:
            return
        if session_id in self._tasks:
            self._again.add(session_id)
            return
        task = asyncio.create_task(self._run(site_id, session_id), name=f"answering {session_id[:8]}")
        self._tasks[session_id] = task
        task.add_done_callback(lambda _: self._ended(site_id, session_id))

    def _ended(self, site_id: str, session_id: str) -> None:
        self._tasks.pop(session_id, None)
        if session_id in self._again:
            self._again.discard(session_id)
            self.wake(site_id, session_id)

    def stop(self, session_id: str) -> None:
        """End the reply that this process writes for the session; what was shown of it is the answer."""
        if (live := self._live.get(session_id)) is not None:
            live.stopped.set()

    def cancel(self, session_id: str) -> None:
        """Drop the work on a session that is being erased, or that a person has taken."""
        self._again.discard(session_id)
        if task := self._tasks.get(session_id):
            task.cancel()

    async def drain(self, seconds: float) -> None:
        """Take no new questions; let the running answers end in time, and hand back the others."""
        self._draining = True
        self._again.clear()
        running = list(self._tasks.values())
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._leases.stop()

    async def _run(self, site_id: str, session_id: str) -> None:
        ref = self._policy(site_id).ref(site_id, session_id)
        try:
            while (session := await self._leases.take(ref)) is not None:
                if not await self._answer(ref, session):
                    return
        except (SessionNotFound, SessionDeleted, SessionTaken):
            return
        except StorageError as error:
            # The question stays open in the store; the sweep finds it again.
            log.warning("question left open", session=session_id[:8], error=str(error))
        except asyncio.CancelledError:
            await self._leases.give_back(ref)
            raise
        except Exception:
            log.exception("answering failed", session=session_id[:8])
        finally:
            self._live.pop(session_id, None)

    async def _answer(self, ref: SessionRef, session: Session) -> bool:
        """One question, to its outcome. False when there is no question to be found."""
        question = await self._question(ref, session)
        if question is None:
            log.warning("open question without its message", session=ref.session_id[:8])
            return False
        live = self._live[ref.session_id] = ReplyInProgress(str(uuid4()), asyncio.Event())
        if session.attempts > MAX_ATTEMPTS:
            await self._fail(ref, question, live, "the agent was interrupted too often")
            return True
        renewal = asyncio.create_task(self._leases.keep(ref, asyncio.current_task()))
        try:
            await self._reply(ref, question, live, again=session.attempts > 1)
        finally:
            renewal.cancel()
            self._live.pop(ref.session_id, None)
        return True

    async def _question(self, ref: SessionRef, session: Session) -> protocol.StoredMessage | None:
        since = session.answered
        while since < session.asked:
            page = await self._store.messages(ref, since, PAGE)
            if not page:
                return None
            for body in page:
                message = msgspec.json.decode(body, type=protocol.StoredMessage)
                if message.role == "visitor" or plan_results(message) is not None:
                    return message
                since = message.seq
        return None

    async def _reply(
        self, ref: SessionRef, question: protocol.StoredMessage, live: ReplyInProgress, again: bool
    ) -> None:
        # The agent is not asked about words for a task, nor for a task that was stored before a crash.
        known: Heard = await self._task_engine.recover(ref, question) if again else None
        known = known or await obeyed(self._task_engine, ref, question)
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
            await self._task_engine.announce(ref)

    async def _ask_agent(self, ref: SessionRef, question: protocol.StoredMessage, live: ReplyInProgress) -> Reply:
        data: Any = None
        async with aclosing(self._events(self._asked(ref, question), live.stopped)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    await self._chunk(ref, live, event.text)
                elif isinstance(event, Plan):
                    return await self._task_engine.begin(ref, question, event, joined(live.text, event.say))
                elif isinstance(event, Ask):
                    asked = {"ask": event.name} | event.data
                    return Reply(joined(live.text, event.text), "question", asked)
                else:
                    data = event.data
        if live.stopped.is_set():
            return Reply(
                live.text or say(await visitor_language(self._store, ref), "task_cancelled"), None, {"stopped": True}
            )
        return Reply(live.text, None, data)

    def _asked(self, ref: SessionRef, question: protocol.StoredMessage) -> Question:
        async def history(count: int) -> list[protocol.StoredMessage]:
            since = max(0, question.seq - 1 - count)
            page = await self._store.messages(ref, since, question.seq - 1 - since)
            return [msgspec.json.decode(body, type=protocol.StoredMessage) for body in page]

        async def context() -> tuple[bytes | None, bytes | None]:
            return await self._store.context(ref)

        return Question(ref.site_id, ref.session_id, question, history, context, plan_results(question))

    async def _events(self, question: Question, stopped: asyncio.Event) -> AsyncGenerator[AgentEvent, None]:
        """The agent's events, until it has done or the visitor has stopped it."""
        ended = asyncio.ensure_future(stopped.wait())
        try:
            async with aclosing(self._agent.reply(question)) as events:
                while not stopped.is_set() and (event := await self._next(events, ended)) is not None:
                    yield event
        finally:
            ended.cancel()

    async def _next(self, events: AsyncGenerator[AgentEvent, None], ended: "asyncio.Future[Any]") -> AgentEvent | None:
        """The next event; None after the last one, and when `ended` comes first. Raises `TimeoutError`."""
        following: asyncio.Future[AgentEvent | None] = asyncio.ensure_future(anext(events, None))
        try:
            await asyncio.wait((following, ended), timeout=self._deadline, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                return following.result()
        finally:
            # The agent's iterator cannot be closed while it is being asked.
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        if ended.done():
            return None
        raise TimeoutError

    async def _chunk(self, ref: SessionRef, live: ReplyInProgress, delta: str) -> None:
        index = live.next_chunk
        live.text += delta
        live.next_chunk += 1
        payload = {"streamId": live.stream_id, "chunkIndex": index, "delta": delta}
        await self._visitors.emit(ref.session_id, protocol.MESSAGE_CHUNK, payload)

    async def _fail(
        self, ref: SessionRef, question: protocol.StoredMessage, live: ReplyInProgress, reason: str
    ) -> None:
        text = say(await visitor_language(self._store, ref), "failed")
        await self._conclude(ref, question, live, Reply(text, "error", {"reason": reason}))

    async def _conclude(
        self, ref: SessionRef, question: protocol.StoredMessage, live: ReplyInProgress, reply: Reply
    ) -> None:
        logged = self._policy(ref.site_id).message_log
        unanswered = unanswered_event(ref, question, reply, logged)
        if unanswered is not None and self._told is not None:
            await self._told.record(unanswered)
        draft = draft_of(question, reply, logged)
        try:
            stored = await self._append(ref, draft)
        except SessionTaken:
            if reply.kind == "task":
                await self._task_engine.cancel(ref)
            raise
        payload = protocol.StreamDone(live.stream_id, Raw(stored.body))
        self._live.pop(ref.session_id, None)
        await self._visitors.emit(ref.session_id, protocol.MESSAGE_DONE, payload, stored.seq)

    async def _append(self, ref: SessionRef, draft: Draft) -> Appended:
        for attempt in range(STORE_RETRIES):
            try:
                return await self._store.append(ref, draft)
            except StoreUnavailable:
                if attempt == STORE_RETRIES - 1:
                    raise
                await asyncio.sleep(min(0.1 * 2**attempt, 2.0))
        raise AssertionError("unreachable")
