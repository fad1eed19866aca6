"""What answers the visitor. One small interface (`base`), one module for each kind, chosen in YAML."""

from leflux.agents.base import Agent
from leflux.agents.echo import EchoAgent
from leflux.agents.silent import SilentAgent
from leflux.config import AgentSettings


def open_agent(settings: AgentSettings) -> Agent:
    """The agent of `settings.kind`."""
    if settings.kind == "echo":
        return EchoAgent(settings.echo.delay or 0.0)
    return SilentAgent()
