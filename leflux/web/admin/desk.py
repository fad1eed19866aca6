"""What the owner's API works with."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from backends.base import Storage
from backends.records import AuditEntry
from leflux.agents.playbook_file import TaskEntry
from leflux.analytics import Analytics
from leflux.appearance import Appearances
from leflux.config import AgentSettings, PlaybookSettings, Settings, decode_setting, parse_yaml
from leflux.conversation import Conversations
from leflux.crawling.background import Crawls
from leflux.gate import Gate
from leflux.limits import RateLimit
from leflux.owner_gate import OwnerGate
from leflux.owners import Owner, Owners
from leflux.owning import Owning
from leflux.policies import Policies
from leflux.site_pages import Head
from leflux.sites import Site
from leflux.turns import Turns

LOGINS_PER_ADDRESS, LOGINS_PER_ACCOUNT = 10, 20


class Desk(Struct, frozen=True):
    """What the handlers work with.

    `crawl_progress` is the newest that this process knows of a site's crawl.
    `deleted` tells the sockets of a purged session.
    `rules_changed` tells the other processes that a document of settings is new. `recent`: when, and what, a site's
    sessions were counted last.
    """

    sites: Mapping[str, Site]
    storage: Storage
    owners: Owners
    policies: Policies
    appearances: Appearances
    analytics: Analytics
    conversations: Conversations
    turns: Turns
    crawls: Crawls
    crawl_progress: Callable[[str], Awaitable[Head]]
    deleted: Callable[[str], Awaitable[None]]
    rules_changed: Callable[[], Awaitable[None]]
    gate: Gate
    owner_gate: OwnerGate
    public_url: str
    playbook: "Playbook"
    address_limit: RateLimit
    account_limit: RateLimit
    recent: dict[str, tuple[float, int]] = {}

    def audit(
        self, owner: Owner, site_id: str, action: str, **details: str | int | float | bool | None
    ) -> Awaitable[None]:
        """Write down who did what. `details` never hold what a visitor or an agent said."""
        return self.storage.settings.audit(site_id, AuditEntry(owner.email, action, details))


class Playbook(Struct, frozen=True):
    """The owner's tasks as they were read at the start: the file's text, and its tasks. Empty without a playbook."""

    kind: str
    text: str = ""
    tasks: list[TaskEntry] = []


def open_desk(
    settings: Settings,
    storage: Storage,
    owning: Owning,
    conversations: Conversations,
    turns: Turns,
    crawls: Crawls,
    crawl_progress: Callable[[str], Awaitable[Head]],
    gate: Gate,
    owner_gate: OwnerGate,
    deleted: Callable[[str], Awaitable[None]],
) -> Desk:
    """What the owner's API works with."""
    return Desk(
        sites={site.id: site for site in settings.sites},
        storage=storage,
        owners=owning.owners,
        policies=owning.policies,
        appearances=owning.appearances,
        analytics=owning.analytics,
        conversations=conversations,
        turns=turns,
        crawls=crawls,
        crawl_progress=crawl_progress,
        deleted=deleted,
        rules_changed=lambda: owning.refresher.tell(),
        gate=gate,
        owner_gate=owner_gate,
        public_url=settings.server.public_url,
        playbook=read_playbook(settings.agent),
        address_limit=RateLimit(LOGINS_PER_ADDRESS),
        account_limit=RateLimit(LOGINS_PER_ACCOUNT),
    )


def read_playbook(settings: AgentSettings) -> Playbook:
    """The playbook's file, which the agent has checked before."""
    chosen = settings.playbook
    if chosen is None and settings.kind == "playbook":
        chosen = PlaybookSettings()
    if chosen is None:
        return Playbook(settings.kind)
    file = Path(chosen.path)
    entries = msgspec.convert(parse_yaml(file)["tasks"], list[TaskEntry], dec_hook=decode_setting)
    return Playbook(settings.kind, file.read_text("utf-8"), entries)
