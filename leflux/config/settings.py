"""The settings that a configuration file makes (docs/protocol.md#configuration)."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from backends import StoreSettings
from leflux.common.addresses import (
    check_base_path,
    check_bus,
    check_email,
    check_listen_host,
    check_network,
    check_public_url,
    check_web_address,
)
from leflux.common.durations import Count, Duration, Port
from leflux.config.document import similar_file
from leflux.sites.registry import Site

Filled = Annotated[str, Meta(min_length=1)]

Networks = Annotated[
    list[Annotated[str, Meta(extra={"check": check_network})]],
    Meta(description="a list of networks, such as [10.0.0.0/8]"),
]


def check_file(text: str) -> None:
    """Raise `ValueError` unless the file exists."""
    file = Path(text)
    if not file.is_file():
        raise ValueError(f"there is no file {text!r} in {Path.cwd()}{similar_file(file)}")


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every section: unknown keys are errors."""


class ServerSettings(Strict, frozen=True):
    host: Annotated[str, Meta(extra={"check": check_listen_host})] = "127.0.0.1"
    port: Port = 8080
    processes: Count = 1
    public_url: Annotated[str, Meta(extra={"check": check_public_url})] = "http://localhost:8080"
    base_path: Annotated[str, Meta(extra={"check": check_base_path})] = ""
    trusted_proxies: Networks = []
    access_log: bool = False

    @property
    def public_address(self) -> str:
        """Where browsers find what this server serves, without a slash at the end."""
        return self.public_url.rstrip("/") + self.base_path


class SessionSettings(Strict, frozen=True):
    client_ttl: Duration = Duration(24 * 3600)
    user_data_ttl: Duration = Duration(30 * 86400)
    idle_ttl: Duration = Duration(30 * 60)
    task_hold: Duration = Duration(30)
    takeover_read_only: Duration = Duration(3)
    person_silence: Duration = Duration(900)
    ping_interval: Duration = Duration(25)
    ping_timeout: Duration = Duration(20)


class LimitSettings(Strict, frozen=True):
    init_per_minute: Count = 10
    messages_per_minute: Count = 30
    address_messages_per_minute: Count = 120
    message_chars: Count = 5_000
    context_bytes: Count = 65_536
    frame_bytes: Count = 262_144
    sockets_per_address: Count = 200
    connections_per_address: Count | None = None

    @property
    def connections_of_address(self) -> int:
        """TCP connections of one address: room for its sockets and as many requests, and 512 at least."""
        return self.connections_per_address or max(512, 2 * self.sockets_per_address)


class EchoSettings(Strict, frozen=True):
    delay: Duration | None = None


class PlaybookSettings(Strict, frozen=True):
    path: Annotated[str, Meta(extra={"check": check_file})] = "config/playbook.yaml"


class OpenAISettings(Strict, frozen=True):
    """`api_key`: empty for an endpoint that takes none."""

    base_url: Annotated[str, Meta(extra={"check": check_web_address})] = "https://api.openai.com/v1"
    api_key: str | None = None
    model: Filled = "gpt-4o-mini"
    timeout: Duration = Duration(30)


class EmbeddingSettings(Strict, frozen=True):
    """`api_key`: empty for an endpoint that takes none."""

    base_url: Annotated[str, Meta(extra={"check": check_web_address})]
    model: Filled
    api_key: str | None = None
    timeout: Duration = Duration(30)


class KnowledgeSettings(Strict, frozen=True):
    embeddings: EmbeddingSettings | None = None


class AgentSettings(Strict, frozen=True):
    kind: Literal["knowledge", "playbook", "openai", "echo", "none"] = "knowledge"
    deadline: Duration = Duration(30)
    echo: EchoSettings = EchoSettings()
    playbook: PlaybookSettings | None = None
    openai: OpenAISettings = OpenAISettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()

    @property
    def playbook_path(self) -> str | None:
        """The file of the owner's tasks; None when there are none."""
        if self.playbook is None and self.kind == "playbook":
            return PlaybookSettings().path
        return None if self.playbook is None else self.playbook.path


class DashboardSettings(Strict, frozen=True):
    enabled: bool = True
    admin_email: Annotated[str, Meta(extra={"check": check_email})] = "admin@localhost"


class DemoSettings(Strict, frozen=True):
    enabled: bool = False


class CrawlerSettings(Strict, frozen=True):
    page_cap: Count = 500
    private_hosts: list[str] = []


class WebhookSettings(Strict, frozen=True):
    """`timeout`: of one attempt. After a failure the pause is `first_retry`, then twice as long each time."""

    private_hosts: list[str] = []
    timeout: Duration = Duration(10)
    first_retry: Duration = Duration(5)
    retry_for: Duration = Duration(24 * 3600)


class SmtpSettings(Strict, frozen=True):
    """The server that sends email. `sender`: its From address. `security`: `tls` from the start, or `starttls`."""

    host: Filled
    sender: Annotated[str, Meta(extra={"check": check_email})]
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    timeout: Duration = Duration(20)


class Settings(Strict, frozen=True):
    sites: Annotated[list[Site], Meta(min_length=1, description="a list with at least one site")] = []
    server: ServerSettings = ServerSettings()
    storage: StoreSettings = StoreSettings()
    message_log: StoreSettings | None = None
    bus: Annotated[str, Meta(extra={"check": check_bus})] | None = None
    session: SessionSettings = SessionSettings()
    limits: LimitSettings = LimitSettings()
    agent: AgentSettings = field(default_factory=AgentSettings)
    dashboard: DashboardSettings = DashboardSettings()
    demo: DemoSettings = DemoSettings()
    crawler: CrawlerSettings = CrawlerSettings()
    webhooks: WebhookSettings = WebhookSettings()
    smtp: SmtpSettings | None = None

    @property
    def bus_prefix(self) -> str:
        """The prefix or schema of the store, where it has one: deployments that share a server are told apart by it."""
        schema: str = getattr(self.storage.options, "schema", "leflux")
        return getattr(self.storage.options, "prefix", f"{schema}:")
