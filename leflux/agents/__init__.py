"""Agents answer the visitor. `base` has the interface; the configuration chooses one of the modules."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends.base import SettingsStore
from leflux.agents.base import Agent
from leflux.agents.echo import EchoAgent
from leflux.agents.playbook.agent import PlaybookAgent
from leflux.agents.playbook.reader import PlaybookTask, load_playbook
from leflux.agents.silent import SilentAgent
from leflux.config import AgentSettings
from leflux.sites.registry import Site

if TYPE_CHECKING:
    from leflux.agents.knowledge.embeddings import Embedder

# The share of the deadline for which a model may show nothing before the pages answer.
PATIENT = 0.6


def open_agent(settings: AgentSettings, sites: Sequence[Site], store: SettingsStore) -> Agent:
    """The configured agent. A playbook's tasks come first. Raises `ConfigError`."""
    tasks = playbook_of(settings)
    if settings.kind == "none":
        return SilentAgent()
    if settings.kind == "playbook":
        return PlaybookAgent(tasks or ())
    agent = _answering(settings, sites, store)
    return agent if tasks is None else PlaybookAgent(tasks, agent)


def playbook_of(settings: AgentSettings) -> tuple[PlaybookTask, ...] | None:
    """The owner's tasks, or none. Raises `ConfigError`."""
    return None if settings.playbook_path is None else load_playbook(settings.playbook_path)


def _answering(settings: AgentSettings, sites: Sequence[Site], store: SettingsStore) -> Agent:
    if settings.kind == "echo":
        return EchoAgent(settings.echo.delay or 0.0)
    if settings.kind not in ("openai", "knowledge"):
        return SilentAgent()
    # numpy, the index and the SDK are large: load them only when they are used.
    from leflux.agents.knowledge.agent import KnowledgeAgent
    from leflux.sites.crawled_pages import CrawledPages

    knowledge = KnowledgeAgent(sites, CrawledPages(store), _embedder(settings, store))
    if settings.kind == "knowledge":
        return knowledge
    from leflux.agents.openai.agent import OpenAIAgent

    return OpenAIAgent(
        settings.openai,
        knowledge=knowledge,
        instructions={site.id: site.instructions for site in sites},
        patience=PATIENT * settings.deadline,
    )


def _embedder(settings: AgentSettings, store: SettingsStore) -> "Embedder | None":
    """Finds by meaning where an endpoint is configured."""
    if settings.knowledge.embeddings is None:
        return None
    from leflux.agents.knowledge.embeddings import Embedder
    from leflux.sites.stored_vectors import StoredVectors

    return Embedder(settings.knowledge.embeddings, StoredVectors(store))
