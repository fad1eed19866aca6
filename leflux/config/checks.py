"""Reads a configuration file, and checks what a single value cannot show."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from backends import SHIPPED, find_store
from leflux.common.words import listed, nearest
from leflux.config.document import Document
from leflux.config.reader import Reader
from leflux.config.settings import OpenAISettings, Settings, check_file
from leflux.sites.registry import canonical_host


def load(path: str | Path, env: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a configuration file. Raises `ConfigError` with every problem that can be found."""
    document = Document(Path(path))
    document.expand(env)
    settings: Settings = Reader(document, Settings).read()
    _check_sites(document)
    _check_demo(settings, document)
    _check_agent(settings, document)
    if not document.has_problem("$.storage", "$.message_log"):
        _check_stores(settings, document)
        _check_processes(settings, document)
    document.finish()
    return settings


def _check_sites(document: Document) -> None:
    """Two sites with one id or one host. Looks at the file, because an invalid site is not in the settings."""
    sites = document.tree.get("sites")
    if not any(nearest(str(key), ["sites"]) for key in document.tree):
        document.fail("$", "the key `sites` is missing; Expected at least one site")
    ids: dict[str, int] = {}
    hosts: dict[str, int] = {}
    for index, site in enumerate(sites if isinstance(sites, list) else []):
        if not isinstance(site, dict):
            continue
        path = f"$.sites[{index}]"
        if isinstance(site_id := site.get("id"), str) and ids.setdefault(site_id, index) != index:
            document.fail(f"{path}.id", f"the site id {site_id!r} is used twice; first by `$.sites[{ids[site_id]}]`")
        allowed = site.get("allowed_hosts")
        for number, text in enumerate(allowed if isinstance(allowed, list) else []):
            host = canonical_host(text) if isinstance(text, str) else None
            if host is not None and (first := hosts.setdefault(host, index)) != index:
                where = f"{path}.allowed_hosts[{number}]"
                document.fail(where, f"the host {text!r} belongs to two sites; first to `$.sites[{first}]`")


def _check_demo(settings: Settings, document: Document) -> None:
    if settings.demo.enabled and settings.server.base_path:
        document.fail("$.demo.enabled", "the demo is not served under a path: remove `server.base_path`, or the demo")


def _check_agent(settings: Settings, document: Document) -> None:
    agent = settings.agent
    if document.has_problem("$.agent"):
        return
    if agent.playbook_path is not None:
        try:
            check_file(agent.playbook_path)
        except ValueError as error:
            document.fail("$.agent.playbook.path", str(error))
    if agent.kind == "openai" and find_spec("openai") is None:
        document.fail("$.agent.kind", "the kind 'openai' needs a package; run: pip install \"leflux[openai]\"")
    if agent.kind == "openai" and not agent.openai.api_key:
        needs_key = urlsplit(agent.openai.base_url).hostname == urlsplit(OpenAISettings().base_url).hostname
        if needs_key or agent.openai.api_key is None:
            expected = 'Expected a key, such as "${OPENAI_API_KEY}"'
            other = "" if needs_key else '; for an endpoint that takes none, write `api_key: ""`'
            document.fail("$.agent.openai.api_key", f"{expected}, because `kind` is 'openai'{other}")


def _check_stores(settings: Settings, document: Document) -> None:
    state, log = settings.storage, settings.message_log
    if not state.store.settings:
        document.fail("$.storage.backend", f"{state.backend} keeps no settings")
    if log is None and not state.store.log:
        document.fail("$.storage.backend", f"{state.backend} keeps no log; add a `message_log`")
    if log is not None and not log.store.log:
        document.fail("$.message_log.backend", f"{log.backend} keeps no log")


def _check_processes(settings: Settings, document: Document) -> None:
    path = "$.server.processes"
    if settings.server.processes == 1:
        return
    for section in (settings.storage, settings.message_log):
        if section is not None and not section.store.shared:
            others = listed(name for name in SHIPPED if find_store(name).shared)
            document.fail(path, f"several processes cannot share {section.backend}; choose {others}")
    if settings.bus is not None and settings.bus.startswith("postgresql") and find_spec("psycopg") is None:
        document.fail("$.bus", 'a bus over PostgreSQL needs a package; run: pip install "leflux[postgres]"')
    if settings.bus is None and not document.has_problem("$.bus"):
        document.fail(path, "several processes need a bus, such as `bus: redis://127.0.0.1:6379/0`")
