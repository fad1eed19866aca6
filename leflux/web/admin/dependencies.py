"""The dependencies of the owner's API."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from backends.base import Storage
from backends.records import AuditEntry
from leflux.agents.playbook.reader import TaskEntry, read_entries
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.service import Chat
from leflux.common.server_key import ServerKey
from leflux.config import AgentSettings, Document, Settings
from leflux.crawling.background import Crawls
from leflux.notices.service import NoticeService
from leflux.owner.access import OwnerAccess
from leflux.owner.accounts import Account, Accounts
from leflux.owner.analytics import Analytics
from leflux.owner.appearance import Appearances
from leflux.owner.devices import Devices
from leflux.owner.rules import Policies
from leflux.owner.service import OwnerService
from leflux.owner.throttle import SignInThrottle
from leflux.sites.crawled_pages import Head
from leflux.sites.origin_gate import OriginGate
from leflux.sites.owner_answers import OwnerAnswers
from leflux.sites.rate_limits import RateLimit
from leflux.sites.registry import Site
from leflux.sites.turned_away import TurnedAway

# Seconds in which opening one conversation again is the same reading.
ONE_READING = 600.0
CHECKS_PER_MINUTE = 20
Detail = str | int | float | bool | None


class Readings:
    """Which conversations were read lately, and by whom: a page asks for a running one every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def is_new(self, key: str) -> bool:
        now = self._clock()
        if now - self._since.get(key, -ONE_READING) < ONE_READING:
            return False
        self._since = {known: since for known, since in self._since.items() if now - since < ONE_READING}
        self._since[key] = now
        return True


class AdminDependencies(Struct, frozen=True):
    """`crawl_progress(site_id)`: the newest that this process knows of a site's crawl.

    `rules_changed` tells the other processes that a document of settings is new. `recent`: when a site's sessions
    were last counted, and how many there were.
    """

    sites: Mapping[str, Site]
    storage: Storage
    accounts: Accounts
    policies: Policies
    appearances: Appearances
    analytics: Analytics
    chat: Chat
    crawls: Crawls
    crawl_progress: Callable[[str], Awaitable[Head]]
    notices: NoticeService
    turned_away: TurnedAway
    settings: Settings
    rules_changed: Callable[[], Awaitable[None]]
    warnings: Callable[[], Sequence[str]]
    gate: OriginGate
    access: OwnerAccess
    public_address: str
    playbook: "Playbook"
    conversation_ids: ConversationIdSource
    devices: Devices
    answers: OwnerAnswers
    throttle: SignInThrottle = field(default_factory=SignInThrottle)
    readings: Readings = field(default_factory=Readings)
    check_limit: RateLimit = field(default_factory=lambda: RateLimit(CHECKS_PER_MINUTE))
    recent: dict[str, tuple[float, int]] = {}

    def audit(self, by: Account, site_id: str, action: str, /, **details: Detail) -> Awaitable[None]:
        """Add a line to the site's audit trail. `details` never hold what a visitor or an agent said."""
        return self.storage.settings.audit(site_id, AuditEntry(by.email, action, details))

    async def audit_account(self, by: Account, action: str, about: Account | None = None, /, **details: Detail) -> None:
        """Add a line about an account (left out: the one who acts) to the trail of every site that it may see."""
        seen = [site_id for site_id in self.sites if (about or by).may_see(site_id)]
        await asyncio.gather(*(self.audit(by, site_id, action, **details) for site_id in seen))


class Playbook(Struct, frozen=True):
    """The playbook as it was read at the start: the file's text, and its tasks. Empty without a playbook."""

    kind: str
    text: str = ""
    tasks: list[TaskEntry] = []


def open_dependencies(
    *,
    settings: Settings,
    storage: Storage,
    owner_service: OwnerService,
    chat: Chat,
    crawls: Crawls,
    crawl_progress: Callable[[str], Awaitable[Head]],
    access: OwnerAccess,
    notices: NoticeService,
    turned_away: TurnedAway,
    rules_changed: Callable[[], Awaitable[None]],
    warnings: Callable[[], Sequence[str]],
) -> AdminDependencies:
    """Assemble them."""
    key = ServerKey(storage.settings)
    return AdminDependencies(
        sites={site.id: site for site in settings.sites},
        storage=storage,
        accounts=owner_service.accounts,
        policies=owner_service.policies,
        appearances=owner_service.appearances,
        analytics=owner_service.analytics,
        chat=chat,
        crawls=crawls,
        crawl_progress=crawl_progress,
        notices=notices,
        turned_away=turned_away,
        settings=settings,
        rules_changed=rules_changed,
        warnings=warnings,
        gate=access.gate,
        access=access,
        public_address=settings.server.public_address,
        playbook=read_playbook(settings.agent),
        conversation_ids=ConversationIdSource(key),
        devices=Devices(key),
        answers=OwnerAnswers(storage.settings),
    )


def read_playbook(settings: AgentSettings) -> Playbook:
    """The playbook's file, which the agent has checked before."""
    if settings.playbook_path is None:
        return Playbook(settings.kind)
    entries = read_entries(Document(Path(settings.playbook_path)))
    return Playbook(settings.kind, Path(settings.playbook_path).read_text("utf-8"), entries)
