"""YAML -> frozen settings (PROTOCOL §6). An error names the file, the path and what was expected."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct, field

from backends import StoreSettings
from leflux.durations import Count, Duration, Port
from leflux.sites import Site, Sites

MAX_FILE_BYTES = 1_000_000


class ConfigError(Exception):
    """The configuration cannot be used; the message names file, path and what was expected."""


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every section: unknown keys are errors."""


class ServerSettings(Strict, frozen=True):
    host: str = "127.0.0.1"
    port: Port = 8080
    processes: Count = 1
    public_url: str = "http://localhost:8080"
    trusted_proxies: list[str] = []


class SessionSettings(Strict, frozen=True):
    client_ttl: Duration = Duration(24 * 3600)
    user_data_ttl: Duration = Duration(30 * 86400)
    idle_ttl: Duration = Duration(30 * 60)
    task_hold: Duration = Duration(30)
    takeover_read_only: Duration = Duration(3)
    ping_interval: Duration = Duration(25)
    ping_timeout: Duration = Duration(20)


class Limits(Strict, frozen=True):
    init_per_minute: Count = 10
    messages_per_minute: Count = 30
    address_messages_per_minute: Count = 120
    message_chars: Count = 5_000
    context_bytes: Count = 65_536
    frame_bytes: Count = 262_144
    sockets_per_address: Count = 200


class EchoSettings(Strict, frozen=True):
    delay: Duration | None = None


class PlaybookSettings(Strict, frozen=True):
    path: str = "config/playbook.yaml"


class OpenAISettings(Strict, frozen=True):
    base_url: str = "https://api.openai.com/v1"
    api_key: str = ""
    model: str = "gpt-4o-mini"
    timeout: Duration = Duration(30)


class AgentSettings(Strict, frozen=True):
    kind: Literal["knowledge", "playbook", "openai", "echo", "none"] = "knowledge"
    deadline: Duration = Duration(30)
    echo: EchoSettings = EchoSettings()
    playbook: PlaybookSettings | None = None
    openai: OpenAISettings = OpenAISettings()


class DashboardSettings(Strict, frozen=True):
    enabled: bool = True
    admin_email: str = "admin@localhost"


class CrawlerSettings(Strict, frozen=True):
    page_cap: Count = 500
    private_hosts: list[str] = []


class Settings(Strict, frozen=True):
    sites: list[Site]
    server: ServerSettings = ServerSettings()
    storage: StoreSettings = StoreSettings()
    message_log: StoreSettings | None = None
    bus: str | None = None
    session: SessionSettings = SessionSettings()
    limits: Limits = Limits()
    agent: AgentSettings = field(default_factory=AgentSettings)
    dashboard: DashboardSettings = DashboardSettings()
    crawler: CrawlerSettings = CrawlerSettings()


def load(path: str | Path, env: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a configuration file. Raises `ConfigError`."""
    file = Path(path)
    tree = _expand(parse_yaml(file), env, "$", file)
    _read_deadlines(tree, file)
    try:
        settings = msgspec.convert(tree, Settings, dec_hook=decode_setting)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}") from None
    _check(settings, file)
    return settings


def _read_deadlines(tree: dict[str, Any], file: Path) -> None:
    """Durations of the storage sections: their settings belong to `backends/`, which knows seconds only."""
    for name in ("storage", "message_log"):
        section = tree.get(name)
        if isinstance(section, dict) and "deadline" in section:
            try:
                section["deadline"] = float(Duration.parse(section["deadline"]))
            except ValueError as error:
                raise ConfigError(f"{file}: {error} - at `$.{name}.deadline`") from None


def decode_setting(kind: type, value: Any) -> Any:
    """How the settings' own types are read."""
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)


class _Loader(yaml.SafeLoader):
    """Refuses what plain YAML passes over in silence: a key that is given twice, and aliases."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not supported", mark)
        return super().compose_node(parent, index)


def parse_yaml(file: Path) -> dict[str, Any]:
    """The mapping at the top of a YAML file. Raises `ConfigError`."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{file}: Expected at most {MAX_FILE_BYTES} bytes")
        tree = yaml.load(file.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: Expected UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{file}{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{file}: Expected a mapping at the top - at `$`")
    return tree


_BUS = re.compile(r"(rediss?|redis\+sentinel)://[^/\s]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def _expand(node: Any, env: Mapping[str, str], path: str, file: Path) -> Any:
    """Replace `${NAME}` and `${NAME:-default}`; after parsing, so that a value cannot add structure."""
    if isinstance(node, dict):
        return {key: _expand(value, env, f"{path}.{key}", file) for key, value in node.items()}
    if isinstance(node, list):
        return [_expand(value, env, f"{path}[{index}]", file) for index, value in enumerate(node)]
    if not isinstance(node, str) or "${" not in node:
        return node

    def value_of(match: re.Match[str]) -> str:
        found = env.get(match[1]) or match[2]
        if found is None:
            raise ConfigError(f"{file}: the environment variable {match[1]} is not set - at `{path}`")
        return found

    text = _VARIABLE.sub(value_of, node)
    if not _VARIABLE.fullmatch(node):
        return text
    try:
        scalar = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return scalar if isinstance(scalar, bool | int | float) else text


def _check(settings: Settings, file: Path) -> None:
    for index, site in enumerate(settings.sites):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", site.id):
            raise ConfigError(f"{file}: Expected letters, digits, - and _ - at `$.sites[{index}].id`")
        if site.crawl is not None and not re.match(r"/(?!/)|https?://", site.crawl):
            raise ConfigError(f"{file}: Expected a URL or a path such as /demo/ - at `$.sites[{index}].crawl`")
        if not site.allowed_hosts:
            raise ConfigError(f"{file}: Expected at least one host - at `$.sites[{index}].allowed_hosts`")
    ids = [site.id for site in settings.sites]
    if not ids:
        raise ConfigError(f"{file}: Expected at least one site - at `$.sites`")
    for index, site_id in enumerate(ids):
        if site_id in ids[:index]:
            raise ConfigError(f"{file}: the site id {site_id!r} is used twice - at `$.sites[{index}].id`")
    try:
        Sites(settings.sites)
    except ValueError as error:
        raise ConfigError(f"{file}: {error} - at `$.sites`") from None
    if not re.match(r"https?://[^/\s]+", settings.agent.openai.base_url):
        raise ConfigError(f"{file}: Expected an http or https address - at `$.agent.openai.base_url`")
    _check_bus(settings, file)
    _check_processes(settings, file)


def _check_bus(settings: Settings, file: Path) -> None:
    if settings.bus is not None and not _BUS.match(settings.bus):
        expected = "redis://, rediss:// or redis+sentinel:// (of a cluster, one node as redis://)"
        raise ConfigError(f"{file}: Expected {expected} - at `$.bus`")


def _check_processes(settings: Settings, file: Path) -> None:
    if settings.server.processes == 1:
        return
    where = "at `$.server.processes`"
    for section in (settings.storage, settings.message_log):
        if section is not None and section.backend in {"memory", "sqlite"}:
            raise ConfigError(
                f"{file}: several processes cannot share {section.backend}; choose redis or firestore - {where}"
            )
    if settings.bus is None:
        raise ConfigError(f"{file}: several processes need a bus, such as redis://127.0.0.1:6379/0 - {where}")
