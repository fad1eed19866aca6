"""Where a site's notices go: its webhook endpoints, in one document for all sites.

Every process reads this document, so a deployment without webhooks costs one small read in two seconds.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from backends.base import SettingsStore
from backends.errors import StoreUnavailable, VersionConflict
from leflux.owner.documents import CachedDocuments
from leflux.owner.rules import Version, stale

WebhookEvent = Literal[
    "conversation.started",
    "message.received",
    "person.asked",
    "question.unanswered",
    "task.ended",
    "conversation.deleted",
]
EmailEvent = Literal["person.asked", "address.left"]
Email = Annotated[str, Meta(min_length=3, max_length=254)]
Url = Annotated[str, Meta(min_length=1, max_length=2_000)]
Events = Annotated[list[WebhookEvent], Meta(min_length=1, max_length=6)]
MOST_ENDPOINTS = 10
EMAIL = "email"
"""The receiver that stands for a site's email addresses."""
KEY = "settings"
CAS_RETRIES = 32


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """A webhook, or the email addresses of a site.

    `secret_number` grows with each new secret. `stopped`: why the server has switched it off.
    """

    id: str
    url: str
    events: Sequence[WebhookEvent | EmailEvent]
    enabled: bool = True
    secret_number: int = 1
    stopped: str | None = None


class SiteNotices(Struct, frozen=True, omit_defaults=True):
    """Of one site. `version` counts the owner's changes of the webhooks, `email_version` those of the addresses."""

    endpoints: tuple[Endpoint, ...] = ()
    emails: tuple[str, ...] = ()
    email_events: tuple[EmailEvent, ...] = ()
    version: int = 0
    email_version: int = 0

    @property
    def receivers(self) -> tuple[Endpoint, ...]:
        """The webhooks, and the email addresses when there are any."""
        if not self.emails:
            return self.endpoints
        return (*self.endpoints, Endpoint(EMAIL, "mailto:" + ",".join(self.emails), self.email_events))

    def receiver(self, receiver_id: str) -> Endpoint | None:
        return next((receiver for receiver in self.receivers if receiver.id == receiver_id), None)


class EndpointRequest(Struct, rename="camel", frozen=True):
    """A webhook as an owner wants it. Without an `id` it is a new one; `new_secret` replaces its secret."""

    url: Url
    events: Events
    id: str | UnsetType = UNSET
    enabled: bool = True
    new_secret: bool = False


class WebhooksRequest(Struct, rename="camel", frozen=True):
    """All the webhooks of a site, with the version that they replace."""

    endpoints: Annotated[list[EndpointRequest], Meta(max_length=MOST_ENDPOINTS)]
    version: Version


class EmailNotices(Struct, rename="camel", frozen=True):
    """Who gets an email, and when, with the version that it replaces."""

    addresses: Annotated[list[Email], Meta(max_length=MOST_ENDPOINTS)]
    events: Annotated[list[EmailEvent], Meta(max_length=2)]
    version: Version


class _AllNotices(Struct, frozen=True):
    sites: dict[str, SiteNotices] = {}


NOTHING = SiteNotices()


class NoticeRules:
    """`current`: the notices of every site that has had any, as this process knows them now."""

    def __init__(self, store: SettingsStore) -> None:
        self.documents = CachedDocuments(store, "notices", _AllNotices, [KEY], self._changed)
        self._now: dict[str, SiteNotices] = {}
        self.current: Mapping[str, SiteNotices] = self._now

    def _changed(self, _: str) -> None:
        self._now.update(self._all().sites)

    @property
    def is_used(self) -> bool:
        """Whether any site has ever had a webhook."""
        return self.documents.version(KEY) > 0

    def site(self, site_id: str) -> SiteNotices:
        return self._now.get(site_id, NOTHING)

    def _all(self) -> _AllNotices:
        return self.documents.get(KEY) or _AllNotices()

    async def read(self, site_id: str) -> SiteNotices:
        """What the store says now."""
        await self.documents.refresh(KEY)
        return self.site(site_id)

    async def change(self, site_id: str, wanted: WebhooksRequest) -> SiteNotices:
        """Store the owner's webhooks. Raises `conflict` for a stale version."""

        def apply(before: SiteNotices) -> SiteNotices:
            if before.version != wanted.version:
                raise stale(VersionConflict(before.version))
            endpoints = tuple(_endpoint(entry, before) for entry in wanted.endpoints)
            return replace(before, endpoints=endpoints, version=before.version + 1)

        return await self._update(site_id, apply)

    async def change_emails(self, site_id: str, wanted: EmailNotices) -> SiteNotices:
        """Store who gets an email. Raises `conflict` for a stale version."""

        def apply(before: SiteNotices) -> SiteNotices:
            if before.email_version != wanted.version:
                raise stale(VersionConflict(before.email_version))
            addresses, events = tuple(wanted.addresses), tuple(wanted.events)
            return replace(before, emails=addresses, email_events=events, email_version=before.email_version + 1)

        return await self._update(site_id, apply)

    async def switch_off(self, site_id: str, endpoint_id: str, reason: str) -> None:
        """The server takes no more notices for an endpoint, and says why."""

        def apply(before: SiteNotices) -> SiteNotices:
            endpoints = tuple(
                replace(entry, enabled=False, stopped=reason) if entry.id == endpoint_id and entry.enabled else entry
                for entry in before.endpoints
            )
            return before if endpoints == before.endpoints else replace(before, endpoints=endpoints)

        await self._update(site_id, apply)

    async def _update(self, site_id: str, apply: Callable[[SiteNotices], SiteNotices]) -> SiteNotices:
        for _ in range(CAS_RETRIES):
            before = await self.read(site_id)
            after = apply(before)
            if after == before:
                return after
            sites = self._all().sites | {site_id: after}
            try:
                await self.documents.put(KEY, _AllNotices(sites), self.documents.version(KEY))
            except VersionConflict:
                continue
            return after
        raise StoreUnavailable("too many writers change the webhooks")


def _endpoint(wanted: EndpointRequest, before: SiteNotices) -> Endpoint:
    known = None if wanted.id is UNSET else before.receiver(wanted.id)
    if known is None:
        return Endpoint(secrets.token_hex(8), wanted.url, wanted.events, wanted.enabled)
    return replace(
        known,
        url=wanted.url,
        events=wanted.events,
        enabled=wanted.enabled,
        secret_number=known.secret_number + wanted.new_secret,
        stopped=None if wanted.enabled else known.stopped,
    )
