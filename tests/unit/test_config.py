"""docs/protocol.md#configuration: a configuration error names file, path and what was expected."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from leflux.config import ConfigError, Settings, load

ROOT = Path(__file__).resolve().parents[2]
SITE = {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}
REDIS = {"backend": "redis"}


def written(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "leflux.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def loaded(tmp_path: Path, env: dict[str, str] | None = None, **sections: Any) -> Settings:
    return load(written(tmp_path, {"sites": [SITE]} | sections), env or {})


def refused(file: Path, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        load(file, env or {})
    assert str(file) in str(error.value)
    return str(error.value)


def test_the_smallest_configuration_gets_every_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert (settings.server.host, settings.server.port, settings.server.processes) == ("127.0.0.1", 8080, 1)
    assert [float(ttl) for ttl in (settings.session.client_ttl, settings.session.idle_ttl)] == [86400, 1800]
    assert float(settings.session.user_data_ttl) == 30 * 86400
    assert settings.message_log is None
    assert settings.sites[0].subdomains is True


def test_the_default_file_is_valid() -> None:
    settings = load(ROOT / "config" / "embedded.yaml", {})
    assert (settings.storage.backend, settings.storage.deadline) == ("sqlite", 4.0)


@pytest.mark.parametrize(
    ("section", "path", "expected"),
    [
        ({"server": {"port": "http"}}, "$.server.port", "a whole number from 0 to 65535"),
        ({"server": {"port": 70000}}, "$.server.port", "got 70000"),
        ({"server": {"processes": 0}}, "$.server.processes", "of at least 1"),
        ({"server": {"hots": "x"}}, "$.server.hots", "unknown key `hots`"),
        ({"sever": {}}, "$.sever", "unknown key `sever`"),
        ({"session": {"idle_ttl": "soon"}}, "$.session.idle_ttl", "Expected a duration such as 30m"),
        ({"session": {"idle_ttl": 0}}, "$.session.idle_ttl", "above 0"),
        ({"session": {"idle_ttl": "-5m"}}, "$.session.idle_ttl", "Expected a duration"),
        ({"session": {"client_ttl": 1e309}}, "$.session.client_ttl", "at most ten years"),
        ({"session": {"client_ttl": True}}, "$.session.client_ttl", "Expected a duration"),
        ({"storage": {"backend": "mysql"}}, "$.storage.backend", "mysql"),
        ({"storage": REDIS | {"redis": {"uri": "x"}}}, "$.storage.redis.uri", "unknown key `uri`"),
        ({"storage": REDIS | {"redis": {"url": 7}}}, "$.storage.redis.url", "Expected text"),
        ({"storage": {"memory": {"x": 1}}}, "$.storage.memory.x", "unknown key `x`"),
        ({"storage": {"bakend": "redis"}}, "$.storage.bakend", "unknown key `bakend`"),
        ({"storage": {"deadline": "soon"}}, "$.storage.deadline", "Expected a duration"),
        ({"message_log": {"deadline": 0}}, "$.message_log.deadline", "above 0"),
        ({"message_log": {"backend": 7}}, "$.message_log.backend", "Expected text"),
        ({"limits": {"message_chars": -1}}, "$.limits.message_chars", "of at least 1"),
        ({"agent": {"kind": "oracle"}}, "$.agent.kind", "oracle"),
        ({"dashboard": {"enabled": "yes"}}, "$.dashboard.enabled", "Expected true or false"),
        ({"sites": {}}, "$.sites", "Expected a list"),
        ({"sites": []}, "$.sites", "at least one site"),
        ({"sites": [{"id": "shop", "name": "Shop"}]}, "$.sites[0]", "the key `allowed_hosts` is missing"),
        ({"sites": [SITE | {"hosts": []}]}, "$.sites[0].hosts", "unknown key `hosts`"),
        ({"sites": [SITE | {"allowed_hosts": []}]}, "$.sites[0].allowed_hosts", "at least one host"),
        ({"sites": [SITE | {"id": "a b"}]}, "$.sites[0].id", "letters, digits"),
        ({"sites": [SITE, SITE | {"allowed_hosts": ["b.test"]}]}, "$.sites[1].id", "used twice"),
        (
            {"sites": [SITE, SITE | {"id": "b", "allowed_hosts": ["Shop.test"]}]},
            "$.sites[1].allowed_hosts[0]",
            "belongs to two sites",
        ),
        (
            {"sites": [SITE | {"allowed_hosts": ["http://a.test"]}]},
            "$.sites[0].allowed_hosts[0]",
            "Expected a host such as a.test",
        ),
    ],
)
def test_an_error_names_file_path_and_expectation(tmp_path: Path, section: Any, path: str, expected: str) -> None:
    message = refused(written(tmp_path, {"sites": [SITE]} | section))
    assert path in message
    assert expected in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sites: [", "line 1"),
        ("a: 1\na: 2\n", "line 2, column 1: not valid YAML: the key 'a' is given twice"),
        ("server: {port: 1, port: 2}", "'port' is given twice"),
        ("a: &x 1\nb: *x\n", "aliases are not supported"),
        ("a: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("- a\n- b\n", "Expected a mapping at the top"),
        ("", "the file is empty"),
        ("x: " + "y" * 1_000_001, "Expected at most 1000000 bytes"),
    ],
)
def test_what_is_no_plain_mapping_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refused(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "absent.yaml")
    assert "cannot be read" in refused(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    assert "UTF-8" in refused(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("value", "env", "port"),
    [
        ("${PORT}", {"PORT": "9000"}, 9000),
        ("${PORT:-9001}", {}, 9001),
        ("${PORT:-9001}", {"PORT": ""}, 9001),
        ("${PORT:-9001}", {"PORT": "9002"}, 9002),
    ],
)
def test_a_whole_value_of_the_environment_keeps_its_type(
    tmp_path: Path, value: str, env: dict[str, str], port: int
) -> None:
    assert loaded(tmp_path, env, server={"port": value}).server.port == port


def test_the_environment_fills_a_part_and_adds_no_structure(tmp_path: Path) -> None:
    site = SITE | {"name": "${H}", "crawl": "/${H}:${P:-80}/"}
    settings = loaded(tmp_path, {"H": "a]:{b"}, sites=[site])
    assert (settings.sites[0].name, settings.sites[0].crawl) == ("a]:{b", "/a]:{b:80/")


def test_an_unset_variable_is_named_with_its_path(tmp_path: Path) -> None:
    message = refused(written(tmp_path, {"sites": [SITE | {"allowed_hosts": ["a.test", "${HOST}"]}]}))
    assert "HOST is not set - at `$.sites[0].allowed_hosts[1]`" in message


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
@pytest.mark.parametrize("section", ["storage", "message_log"])
def test_several_processes_cannot_share_an_embedded_store(tmp_path: Path, backend: str, section: str) -> None:
    tree: dict[str, Any] = {"sites": [SITE], "server": {"processes": 2}, "storage": REDIS, "bus": "redis://x/0"}
    message = refused(written(tmp_path, tree | {section: {"backend": backend}}))
    assert backend in message
    assert "$.server.processes" in message


def test_several_processes_need_a_bus(tmp_path: Path) -> None:
    tree = {"sites": [SITE], "server": {"processes": 2}, "storage": REDIS}
    assert "need a bus" in refused(written(tmp_path, tree))
    assert loaded(tmp_path, server={"processes": 2}, storage=REDIS, bus="redis://x/0").server.processes == 2


def test_the_real_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFLUX_TEST_PORT", "7001")
    assert "LEFLUX_TEST_PORT" in os.environ
    file = written(tmp_path, {"sites": [SITE], "server": {"port": "${LEFLUX_TEST_PORT}"}})
    assert load(file).server.port == 7001


@pytest.mark.parametrize("section", ["storage", "message_log"])
@pytest.mark.parametrize("chosen", [{}, {"backend": "memory"}, {"backend": "redis", "redis": {}}])
def test_a_section_of_another_store_is_refused(tmp_path: Path, section: str, chosen: dict[str, Any]) -> None:
    message = refused(written(tmp_path, {"sites": [SITE], section: chosen | {"sqlite": {"path": "x.db"}}}))
    assert f"`backend` is {chosen.get('backend', 'memory')!r} - at `$.{section}.sqlite`" in message


def test_an_unknown_store_lists_what_is_installed(tmp_path: Path) -> None:
    message = refused(written(tmp_path, {"sites": [SITE], "storage": {"backend": "mysql"}}))
    listed = "firestore, memory, postgres, redis, sqlite"
    assert f"no store is named 'mysql'; installed: {listed} - at `$.storage.backend`" in message


@pytest.mark.parametrize("value", [None, [], "sqlite", 7])
def test_a_storage_section_is_a_mapping(tmp_path: Path, value: Any) -> None:
    assert "Expected a section" in refused(written(tmp_path, {"sites": [SITE], "storage": value}))
