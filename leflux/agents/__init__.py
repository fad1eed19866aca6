"""What answers the visitor. One small interface (`base`), one module for each kind, chosen in YAML."""

from collections.abc import Sequence

from backends.base import SettingsStore
from leflux.agents.base import Agent
from leflux.agents.echo import EchoAgent
from leflux.agents.playbook import PlaybookAgent
from leflux.agents.playbook_file import PlaybookTask, load_playbook
from leflux.agents.silent import SilentAgent
from leflux.config import AgentSettings, PlaybookSettings
from leflux.sites import Site


def open_agent(settings: AgentSettings, sites: Sequence[Site], store: SettingsStore) -> Agent:
    """The agent of `settings.kind`; with a playbook, its tasks come first. Raises `ConfigError`."""
    tasks = playbook_of(settings)
    if settings.kind == "playbook":
        return PlaybookAgent(tasks or ())
    agent = _answering(settings, sites, store)
    return agent if tasks is None else PlaybookAgent(tasks, agent)


def playbook_of(settings: AgentSettings) -> tuple[PlaybookTask, ...] | None:
    """The owner's tasks, when there are any. Raises `ConfigError`."""
    if settings.kind == "playbook":
        return load_playbook((settings.playbook or PlaybookSettings()).path)
    return None if settings.playbook is None else load_playbook(settings.playbook.path)


def _answering(settings: AgentSettings, sites: Sequence[Site], store: SettingsStore) -> Agent:
    if settings.kind == "echo":
        return EchoAgent(settings.echo.delay or 0.0)
    if settings.kind == "openai":
        # The SDK is large; only those who use it load it.
        from leflux.agents.openai import OpenAIAgent

        return OpenAIAgent(settings.openai)
    if settings.kind == "knowledge":
        # numpy and the index: likewise.
        from leflux.agents.knowledge import KnowledgeAgent
        from leflux.site_pages import SitePages

        return KnowledgeAgent(sites, SitePages(store))
    return SilentAgent()
