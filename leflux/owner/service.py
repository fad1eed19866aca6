"""Assembles the owner's side of one process: rules, accounts, counts, and what runs on their behalf."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from msgspec import Struct

from backends.base import Storage
from backends.errors import StorageError
from leflux.chat.policy import Policy
from leflux.config import Settings
from leflux.owner.accounts import Accounts
from leflux.owner.analytics import Analytics
from leflux.owner.appearance import Appearances
from leflux.owner.documents import Refresher
from leflux.owner.notice_rules import NoticeRules
from leflux.owner.retention import RetentionWorker
from leflux.owner.rules import Policies
from leflux.sites.registry import Site

log = structlog.get_logger(__name__)

RULES = "rules"
FORGET_EVERY = 3600.0
RETRY = 2.0


class OwnerService(Struct):
    """The parts that live and end together. `admin_email` is None where no dashboard is served."""

    accounts: Accounts
    policies: Policies
    appearances: Appearances
    notices: NoticeRules
    analytics: Analytics
    retention: RetentionWorker
    refresher: Refresher
    admin_email: str | None
    keeping: asyncio.Task[None] | None = None

    def start(self, told: Callable[[str, str], None]) -> None:
        """`told(email, password)` hears of the account that was made because there was none."""
        self.analytics.start()
        self.retention.start()
        self.refresher.start()
        if self.admin_email is not None:
            self.keeping = asyncio.create_task(self._keep(self.admin_email, told), name="accounts")

    async def heard(self, _note: dict[str, Any]) -> None:
        """Another process has stored a document of settings."""
        self.refresher.hurry()

    async def stop(self) -> None:
        if self.keeping is not None:
            self.keeping.cancel()
            await asyncio.gather(self.keeping, return_exceptions=True)
        await self.refresher.stop()
        await self.retention.stop()
        await self.analytics.stop()

    async def _keep(self, email: str, told: Callable[[str, str], None]) -> None:
        is_new = True
        while True:
            try:
                if is_new and (password := await self.accounts.first_admin(email)) is not None:
                    told(email, password)
                is_new = False
                await self.accounts.forget_old()
            except StorageError as error:
                log.warning("store does not answer", job="accounts", error=str(error))
            except Exception:
                log.exception("keeping accounts failed")
            await asyncio.sleep(RETRY if is_new else FORGET_EVERY)


def open_owner_service(settings: Settings, storage: Storage) -> OwnerService:
    """Wire it; `refresher.load` must have run before a visitor is served."""
    policies = Policies({site.id: default_policy(settings, site) for site in settings.sites}, storage.settings)
    appearances = Appearances(settings.sites, storage.settings)
    notices = NoticeRules(storage.settings)
    retention = RetentionWorker(storage, policies.log_retention)
    policies.changed.subscribe(retention.hurry)
    return OwnerService(
        accounts=Accounts(storage.settings),
        policies=policies,
        appearances=appearances,
        notices=notices,
        analytics=Analytics(storage.settings),
        retention=retention,
        refresher=Refresher([policies.documents, appearances.documents, notices.documents]),
        admin_email=settings.dashboard.admin_email if settings.dashboard.enabled else None,
    )


def default_policy(settings: Settings, site: Site) -> Policy:
    """The rules of a site whose owner has changed nothing."""
    session = settings.session
    return Policy(
        client_ttl=session.client_ttl,
        user_data_ttl=session.user_data_ttl,
        idle_ttl=session.idle_ttl,
        task_hold=session.task_hold,
        read_only=session.takeover_read_only,
        person_silence=session.person_silence,
        message_log=site.message_log,
    )
