"""Writes the configuration of a server under test: the backend is one section of YAML."""

from pathlib import Path
from typing import Any

import yaml

from backends import StoreSettings, find_store

# A test says in a minute what a visitor says in an hour, from one address.
GENEROUS = {"init_per_minute": 10_000, "messages_per_minute": 10_000, "address_messages_per_minute": 10_000}


def write_config(folder: Path, store: StoreSettings, port: int, **sections: Any) -> Path:
    """A file for `run.py --config`; `sections` are merged over its top-level sections, such as `session=...`.

    A list takes the place of a section.
    """
    tree: dict[str, Any] = {
        "server": {"host": "127.0.0.1", "port": port},
        "storage": store.section(),
        "agent": {"kind": "echo"},
        "demo": {"enabled": True},
        "limits": GENEROUS,
        "sites": [
            {
                "id": "demo",
                "name": "Demo shop",
                "allowed_hosts": ["localhost", "127.0.0.1"],
                "config": {"title": "Northlight", "greeting": "Hello! Ask me anything about our lamps."},
            }
        ],
    }
    for name, section in sections.items():
        tree[name] = section if isinstance(section, list) else tree.get(name, {}) | section
    file = folder / f"leflux-{port}.yaml"
    file.write_text(yaml.safe_dump(tree), "utf-8")
    return file


def embedded(backend: str, path: Path) -> StoreSettings:
    """The settings of a store that needs no service; `path` is for one that keeps a file."""
    fields = find_store(backend).options.__struct_fields__
    return StoreSettings(backend, find_store(backend).options(**{"path": str(path)} if "path" in fields else {}))
