"""Assembles the owner's side of one process: rules, accounts, counts, and what runs on their behalf."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from msgspec import Struct

from backends.base import Storage
from backends.errors import StorageError
from leflux.analytics import Analytics
from leflux.appearance import Appearances
from leflux.config import Settings
from leflux.live import Refresher
from leflux.owners import Owners
from leflux.policies import Policies
from leflux.privacy import Policy
from leflux.retention import Retention
from leflux.sites import Site

log = structlog.get_logger(__name__)

RULES = "rules"
FORGET_EVERY = 3600.0
RETRY = 2.0


class Owning(Struct):
    """The parts that live and end together. `admin_email` is None where no dashboard is served."""

    owners: Owners
    policies: Policies
    appearances: Appearances
    analytics: Analytics
    retention: Retention
    refresher: Refresher
    admin_email: str | None
    keeping: asyncio.Task[None] | None = None

    def start(self, told: Callable[[str, str], None]) -> None:
        """`told(email, password)` hears of the account that was made because there was none."""
        self.policies.heard = self.retention.hurry
        self.analytics.start()
        self.retention.start()
        self.refresher.start()
        if self.admin_email is not None:
            self.keeping = asyncio.create_task(self._keep(self.admin_email, told), name="owners")

    async def heard(self, kind: str, _payload: dict[str, Any]) -> None:
        """A note from another process: an owner has decided something there."""
        if kind == RULES:
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
                if is_new and (password := await self.owners.first_admin(email)) is not None:
                    told(email, password)
                is_new = False
                await self.owners.forget_old()
            except StorageError as error:
                log.warning("store does not answer", job="owners", error=str(error))
            except Exception:
                log.exception("keeping owners failed")
            await asyncio.sleep(RETRY if is_new else FORGET_EVERY)


def open_owning(settings: Settings, storage: Storage) -> Owning:
    """Wire it; `refresher.load` must have run before a visitor is served."""
    policies = Policies({site.id: default_policy(settings, site) for site in settings.sites}, storage.settings)
    appearances = Appearances(settings.sites, storage.settings)
    return Owning(
        owners=Owners(storage.settings),
        policies=policies,
        appearances=appearances,
        analytics=Analytics(storage.settings),
        retention=Retention(storage, policies.log_retention),
        refresher=Refresher([policies.documents, appearances.documents]),
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
        message_log=site.message_log,
    )
