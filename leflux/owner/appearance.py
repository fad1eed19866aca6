"""How the chat looks and what it says first: the configuration's, until the owner has saved another one."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.owner.documents import CachedDocuments
from leflux.owner.rules import Version, stale
from leflux.sites.appearance import Appearance
from leflux.sites.registry import Site


class SiteSettings(Struct, rename="camel", frozen=True):
    """`config` is the whole appearance: it replaces the configuration's. `version` as in `Privacy`."""

    config: Appearance
    version: Version


class Appearances:
    """One site's appearance is a document. `current`: every site's `siteConfig` at this moment."""

    def __init__(self, sites: Sequence[Site], store: SettingsStore) -> None:
        self._sites = {site.id: site for site in sites}
        self.documents = CachedDocuments(store, "appearance", Appearance, list(self._sites), self._changed)
        self._now = {site.id: _sent(site.config, site) for site in sites}
        self.current: Mapping[str, dict[str, Any]] = self._now

    async def read(self, site_id: str) -> dict[str, Any]:
        """`{config, version, defaults}`: as it is now, and the configuration's own."""
        await self.documents.refresh(site_id)
        return self._answer(site_id)

    def _answer(self, site_id: str) -> dict[str, Any]:
        version, site = self.documents.version(site_id), self._sites[site_id]
        return {"config": _json(self._appearance(site_id)), "version": version, "defaults": _json(site.config)}

    def _appearance(self, site_id: str) -> Appearance:
        return self.documents.get(site_id) or self._sites[site_id].config

    async def change(self, site_id: str, wanted: SiteSettings) -> dict[str, Any]:
        """Raises `conflict` for a stale version."""
        try:
            await self.documents.put(site_id, wanted.config, wanted.version)
        except VersionConflict as conflict:
            raise stale(conflict) from None
        return self._answer(site_id)

    def _changed(self, site_id: str) -> None:
        self._now[site_id] = _sent(self._appearance(site_id), self._sites[site_id])


def _sent(appearance: Appearance, site: Site) -> dict[str, Any]:
    """What the widget gets: the appearance, and the rules for its pages where the site has any."""
    rules = msgspec.to_builtins(site.context)
    return _json(appearance) | ({"context": rules} if rules else {})


def _json(appearance: Appearance) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(appearance)
    return found
