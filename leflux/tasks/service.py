"""Assembles the task repository, the heartbeat of connected pages, and the task engine."""

from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct

from backends.records import SessionRef
from leflux.chat.conversation_events import ChatEvent, ConversationEvents
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorPort
from leflux.owner.analytics import Stats
from leflux.sites.registry import HostNotRegistered, OriginRequired, Sites
from leflux.tasks.current_page import CurrentPages
from leflux.tasks.engine import TaskEngine
from leflux.tasks.heartbeat import Heartbeat
from leflux.tasks.model import Ending, TaskState
from leflux.tasks.repository import TaskRepository, TaskStore

SLOWEST_BEAT, FASTEST_BEAT = 5.0, 0.2


class TaskService(Struct, frozen=True):
    """The parts that run tasks in one process."""

    engine: TaskEngine
    repository: TaskRepository
    heartbeat: Heartbeat

    def start(self) -> None:
        self.heartbeat.start(self.repository)

    async def stop(self) -> None:
        await self.heartbeat.stop()


class TaskPorts(Struct, frozen=True, kw_only=True):
    """`position(session_id)`: epoch and page of its socket in this process. `hold`: seconds that a page may be away.

    `wake(site_id, session_id)`: a task has ended with a question for the agent.
    """

    store: TaskStore
    policy: Callable[[str], Policy]
    visitors: VisitorPort
    position: Callable[[str], tuple[int, str] | None]
    sites: Sites
    stats: Stats
    hold: float
    wake: Callable[[str, str], None]
    events: ConversationEvents | None = None

    def epoch(self, session_id: str) -> int | None:
        position = self.position(session_id)
        return None if position is None else position[0]

    def url(self, session_id: str) -> str:
        position = self.position(session_id)
        return "" if position is None else position[1]

    async def ending(self, ref: SessionRef, state: TaskState, seq: int) -> None:
        if state.ending is not None and self.events is not None:
            data = {"taskId": state.task_id, "status": state.ending.status, "reason": state.ending.reason}
            await self.events.record(ChatEvent("task.ended", ref.site_id, ref.session_id, seq, data))

    def ended(self, ref: SessionRef, ending: Ending) -> None:
        self.stats.acted(ref.site_id, ending.status)
        if ending.follow_up:
            self.wake(ref.site_id, ref.session_id)

    def resumed(self, site_id: str) -> None:
        self.stats.acted(site_id, "resumed")


def open_tasks(ports: TaskPorts) -> TaskService:
    beat = max(FASTEST_BEAT, min(SLOWEST_BEAT, ports.hold / 6))
    heartbeat = Heartbeat(ports.epoch, beat)
    repository = TaskRepository(
        store=ports.store,
        policy=ports.policy,
        visitors=ports.visitors,
        beat_ms=round(beat * 1000),
        vouched=heartbeat.vouches,
        ends=ports,
    )
    engine = TaskEngine(
        repository=repository,
        pages=CurrentPages(ports.store, ports.url, belongs(ports.sites), ports.sites.hosts),
        heartbeat=heartbeat,
        visitors=ports.visitors,
        on_resume=ports.resumed,
    )
    return TaskService(engine, repository, heartbeat)


def belongs(sites: Sites) -> Callable[[str, str], bool]:
    """Whether the host of a URL is one of the site's, by the rules for an Origin."""

    def is_own(site_id: str, url: str) -> bool:
        parts = urlsplit(url)
        try:
            return sites.find(f"{parts.scheme}://{parts.netloc}", None, "GET", None).id == site_id
        except (HostNotRegistered, OriginRequired):
            return False

    return is_own
