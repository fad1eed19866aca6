"""What answers the visitor. One small interface (`base`), one module for each kind, chosen in YAML."""

from collections.abc import Sequence

from backends.base import SettingsStore
from leflux.agents.base import Agent
from leflux.agents.echo import EchoAgent
from leflux.agents.silent import SilentAgent
from leflux.config import AgentSettings
from leflux.sites import Site


def open_agent(settings: AgentSettings, sites: Sequence[Site], store: SettingsStore) -> Agent:
    """The agent of `settings.kind`. What a kind needs is imported only when it is chosen."""
    if settings.kind == "echo":
        return EchoAgent(settings.echo.delay or 0.0)
    if settings.kind == "knowledge":
        from leflux.agents.knowledge import KnowledgeAgent
        from leflux.site_pages import SitePages

        return KnowledgeAgent(sites, SitePages(store))
    return SilentAgent()
