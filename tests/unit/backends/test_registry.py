"""Stores are found by name: through the entry points of installed packages, in the checkout, or as a module."""

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

import backends
from backends import SHIPPED, StoreSettings, find_store, open_storage, read_settings
from backends.errors import StoreMisconfigured
from leflux.config import ConfigError, load
from tests.contract.backends import BACKENDS

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = """
from msgspec import Struct
from backends.descriptor import StoreDescriptor
from backends.memory.store import MemoryStorage

class ShelfSettings(Struct, frozen=True, forbid_unknown_fields=True):
    board: str = "top"

async def open_(options, deadline, log_shares_store):
    storage = MemoryStorage(log_shares_store)
    storage.board = options.board
    return storage

STORE = StoreDescriptor(ShelfSettings, open_, shared=True)
LOGLESS = StoreDescriptor(ShelfSettings, open_, log=False)
LOG_ONLY = StoreDescriptor(ShelfSettings, open_, settings=False)
NONE = 7
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with stores of its own, of which `shelf` is installed."""
    package = tmp_path / "shelves"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "store.py").write_text(PLUGIN)
    (package / "broken.py").write_text("raise ZeroDivisionError('in the module')")
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint("shelf", "shelves.store:STORE", backends.GROUP)]
    points += [EntryPoint("redis", "shelves.store:STORE", backends.GROUP)]
    monkeypatch.setattr(backends, "entry_points", lambda group: points if group == backends.GROUP else [])
    find_store.cache_clear()
    yield
    find_store.cache_clear()
    for name in [name for name in sys.modules if name.startswith("shelves")]:
        del sys.modules[name]


def test_pyproject_declares_each_shipped_store_as_the_checkout_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][backends.GROUP] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_the_contract_suite_runs_on_each_shipped_store_with_what_it_declares(name: str) -> None:
    entry, declared = BACKENDS[name], find_store(name)
    assert entry.durable == declared.durable
    assert entry.shared or not declared.shared


@pytest.mark.parametrize("backend", ["shelf", "shelves.store", "shelves.store:STORE"])
async def test_a_store_of_another_package_is_chosen_by_yaml_alone(plugin: None, tmp_path: Path, backend: str) -> None:
    sites = [{"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}]
    tree = {"sites": sites, "server": {"processes": 2}, "bus": "redis://x/0"}
    file = tmp_path / "leflux.yaml"
    file.write_text(yaml.safe_dump(tree | {"storage": {"backend": backend, backend: {"board": "low"}}}))
    storage = await open_storage(load(file, {}).storage)
    assert vars(storage)["board"] == "low"
    file.write_text(yaml.safe_dump(tree | {"storage": {"backend": backend, backend: {"bord": "low"}}}))
    with pytest.raises(ConfigError, match=r"unknown key `bord`; did you mean `board`\?.*`\$\.storage\." + backend):
        load(file, {})


def test_an_installed_store_does_not_replace_a_shipped_one(plugin: None) -> None:
    assert find_store("redis").options.__name__ == "RedisSettings"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shelve", "installed: firestore, memory, postgres, redis, shelf, sqlite"),
        ("shelves.broken", "cannot be imported: in the module"),
        ("shelves.nowhere", "No module named 'shelves.nowhere'"),
        ("shelves.store:NONE", "no StoreDescriptor named NONE"),
        ("shelves.store:OTHER", "no StoreDescriptor named OTHER"),
        (".", "cannot be imported"),
        ("", "no store is named ''"),
    ],
)
def test_a_name_that_leads_to_no_store_is_a_configuration_error(plugin: None, name: str, said: str) -> None:
    with pytest.raises(StoreMisconfigured, match=said):
        read_settings({"backend": name})


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"storage": {"backend": "shelves.store:LOGLESS"}}, "keeps no log; add a `message_log`"),
        ({"storage": {"backend": "shelves.store:LOG_ONLY"}}, r"keeps no settings - at `\$.storage.backend`"),
        ({"message_log": {"backend": "shelves.store:LOGLESS"}}, r"keeps no log - at `\$.message_log.backend`"),
    ],
)
def test_a_store_serves_only_what_it_keeps(plugin: None, tmp_path: Path, tree: dict[str, object], said: str) -> None:
    sites = [{"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}]
    file = tmp_path / "leflux.yaml"
    file.write_text(yaml.safe_dump({"sites": sites} | tree))
    with pytest.raises(ConfigError, match=said):
        load(file, {})


def test_settings_are_read_back_from_the_section_they_make() -> None:
    for name in SHIPPED:
        settings = StoreSettings(name, deadline=2.5)
        assert read_settings(settings.section()) == settings
