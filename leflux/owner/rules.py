"""The privacy rules of every site: the configuration's, until the owner has stored others."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.chat.policy import Policy
from leflux.common.signals import Signal
from leflux.owner.documents import CachedDocuments
from leflux.protocol import Problem

SECOND_MS, DAY_MS = 1_000, 86_400_000
MAX_IDLE_MS, MAX_CLIENT_MS, MAX_USER_DATA_MS = 30 * DAY_MS, 365 * DAY_MS, 3_650 * DAY_MS
Days = Annotated[int, Meta(ge=1, le=3_650)]
Version = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class PrivacyRules(Struct, rename="camel", frozen=True):
    """What an owner may decide, as it stands on the wire."""

    client_ttl_ms: Annotated[int, Meta(ge=SECOND_MS, le=MAX_CLIENT_MS)]
    idle_ttl_ms: Annotated[int, Meta(ge=SECOND_MS, le=MAX_IDLE_MS)]
    user_data_ttl_ms: Annotated[int, Meta(ge=SECOND_MS, le=MAX_USER_DATA_MS)]
    message_log: bool
    log_retention_days: Days | None


class PrivacySettings(PrivacyRules, rename="camel", frozen=True, kw_only=True):
    """The rules with the version that a change must name (0: the configuration's own)."""

    version: Version


class _StoredRules(PrivacyRules, rename="camel", frozen=True, kw_only=True):
    """`longest_cache_ms`: the longest time that any rule so far let a browser keep a conversation's name."""

    longest_cache_ms: int


class Policies:
    """`defaults`: the configuration's policy by site. `current`: every site's rules at this moment.

    `changed` is signalled when the rules of a site have changed.
    """

    def __init__(self, defaults: Mapping[str, Policy], store: SettingsStore) -> None:
        self._defaults = defaults
        self._now = dict(defaults)
        self.current: Mapping[str, Policy] = self._now
        self.documents = CachedDocuments(store, "privacy", _StoredRules, list(defaults), self._changed)
        self.changed: Signal[[]] = Signal()

    def idle_ttls(self) -> dict[str, float]:
        """Seconds, by site."""
        return {site_id: policy.idle_ttl for site_id, policy in self._now.items()}

    def longest_client_ttl(self) -> float:
        """Seconds: how long some site lets a browser keep a message that it could not send."""
        return max(policy.client_ttl for policy in self._now.values())

    def log_retention(self) -> dict[str, int]:
        """Days, of the sites that limit how long their log is kept."""
        days = {site_id: policy.log_retention_days for site_id, policy in self._now.items()}
        return {site_id: count for site_id, count in days.items() if count is not None}

    async def privacy(self, site_id: str) -> PrivacySettings:
        """What the store says now, so that a change by another process is never shown late to its owner."""
        await self.documents.refresh(site_id)
        return self._privacy(site_id)

    def _privacy(self, site_id: str) -> PrivacySettings:
        rules = self._rules(site_id)
        return PrivacySettings(
            client_ttl_ms=rules.client_ttl_ms,
            idle_ttl_ms=rules.idle_ttl_ms,
            user_data_ttl_ms=rules.user_data_ttl_ms,
            message_log=rules.message_log,
            log_retention_days=rules.log_retention_days,
            version=self.documents.version(site_id),
        )

    def _rules(self, site_id: str) -> PrivacyRules:
        policy = self._now[site_id]
        return PrivacyRules(
            client_ttl_ms=round(policy.client_ttl * 1000),
            idle_ttl_ms=round(policy.idle_ttl * 1000),
            user_data_ttl_ms=round(policy.user_data_ttl * 1000),
            message_log=policy.message_log,
            log_retention_days=policy.log_retention_days,
        )

    async def change(self, site_id: str, wanted: PrivacySettings) -> PrivacySettings:
        """Store the owner's rules; this process follows them at once. Raises `conflict` for a stale version."""
        await self.documents.refresh(site_id)
        before = self._now[site_id]
        longest = max(before.longest_cache, before.client_ttl, before.user_data_ttl)
        stored = _StoredRules(
            client_ttl_ms=wanted.client_ttl_ms,
            idle_ttl_ms=wanted.idle_ttl_ms,
            user_data_ttl_ms=wanted.user_data_ttl_ms,
            message_log=wanted.message_log,
            log_retention_days=wanted.log_retention_days,
            longest_cache_ms=round(longest * 1000),
        )
        try:
            await self.documents.put(site_id, stored, wanted.version)
        except VersionConflict as conflict:
            raise stale(conflict) from None
        return self._privacy(site_id)

    def _changed(self, site_id: str) -> None:
        stored = self.documents.get(site_id)
        if stored is None:
            return
        self._now[site_id] = replace(
            self._defaults[site_id],
            client_ttl=stored.client_ttl_ms / 1000,
            idle_ttl=stored.idle_ttl_ms / 1000,
            user_data_ttl=stored.user_data_ttl_ms / 1000,
            message_log=stored.message_log,
            log_retention_days=stored.log_retention_days,
            longest_cache=stored.longest_cache_ms / 1000,
        )
        self.changed()


def stale(conflict: VersionConflict) -> Problem:
    """What an owner is told who changed something that someone else had changed meanwhile."""
    return Problem(
        "conflict", "Someone else has changed this meanwhile. Read it again, then change it.", version=conflict.current
    )


def changes(before: PrivacyRules, after: PrivacyRules) -> dict[str, str | int | float | bool | None]:
    """What differs, for the audit trail: each changed rule with its new value."""
    names = {field: _camel(field) for field in PrivacyRules.__struct_fields__}
    return {
        name: getattr(after, field) for field, name in names.items() if getattr(before, field) != getattr(after, field)
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
