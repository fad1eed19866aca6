"""The configuration: `load` reads a YAML file into `Settings`, or tells every problem with its line and path."""

from leflux.config.checks import load
from leflux.config.document import ConfigError, Document
from leflux.config.reader import Reader
from leflux.config.settings import (
    AgentSettings,
    CrawlerSettings,
    DashboardSettings,
    EchoSettings,
    EmbeddingSettings,
    KnowledgeSettings,
    LimitSettings,
    OpenAISettings,
    PlaybookSettings,
    ServerSettings,
    SessionSettings,
    Settings,
    SmtpSettings,
    Strict,
    WebhookSettings,
)
