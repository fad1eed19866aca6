"""How the chat looks and what it says first: the configuration's, until the owner has saved another one."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.live import LiveDocuments
from leflux.policies import Version, stale
from leflux.sites import Site

Short = Annotated[str, Meta(max_length=120)]
Chip = Annotated[str, Meta(min_length=1, max_length=120)]


class Appearance(Struct, rename="camel", omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """What the widget takes from an owner. What is left out is the chat's own default."""

    title: Short | UnsetType = UNSET
    subtitle: Short | UnsetType = UNSET
    greeting: Annotated[str, Meta(max_length=1_000)] | UnsetType = UNSET
    primary_color: Annotated[str, Meta(pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})\Z")] | UnsetType = UNSET
    position: Literal["right", "left"] | UnsetType = UNSET
    theme: Literal["auto", "light", "dark"] | UnsetType = UNSET
    chips: Annotated[list[Chip], Meta(max_length=8)] | UnsetType = UNSET
    launcher_label: Short | UnsetType = UNSET
    placeholder: Short | UnsetType = UNSET
    hide_launcher: bool | UnsetType = UNSET


class SiteSettings(Struct, rename="camel", frozen=True):
    """`config` is the whole appearance: it replaces the configuration's. `version` as in `Privacy`."""

    config: Appearance
    version: Version


_KEYS = frozenset(Appearance.__struct_encode_fields__)


class Appearances:
    """One site's appearance is a document; what else the configuration gives the widget is left as it is."""

    def __init__(self, sites: Sequence[Site], store: SettingsStore) -> None:
        self._sites = {site.id: site for site in sites}
        self.documents = LiveDocuments(store, "appearance", Appearance, list(self._sites))
        self.documents.changed = self._changed
        self._now = {site.id: site.config for site in sites}

    def __call__(self, site_id: str) -> dict[str, Any]:
        """The site's `siteConfig` at this moment."""
        return self._now[site_id]

    async def read(self, site_id: str) -> dict[str, Any]:
        """`{config, version, defaults}`: as it is now, and the configuration's own."""
        await self.documents.refresh(site_id)
        return self._answer(site_id)

    def _answer(self, site_id: str) -> dict[str, Any]:
        version, site = self.documents.version(site_id), self._sites[site_id]
        return {"config": _known(self._now[site_id]), "version": version, "defaults": _known(site.config)}

    async def change(self, site_id: str, wanted: SiteSettings) -> dict[str, Any]:
        """Raises `conflict` for a stale version."""
        try:
            await self.documents.put(site_id, wanted.config, wanted.version)
        except VersionConflict as conflict:
            raise stale(conflict) from None
        return self._answer(site_id)

    def _changed(self, site_id: str) -> None:
        saved = self.documents.get(site_id)
        others = {key: value for key, value in self._sites[site_id].config.items() if key not in _KEYS}
        self._now[site_id] = others | msgspec.to_builtins(saved)


def _known(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key in _KEYS}
