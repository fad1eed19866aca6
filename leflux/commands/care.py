"""`backup`, `restore` and `doctor`: looking after the stores."""

import asyncio
import platform
import shutil
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from backends import open_storage
from backends.errors import StorageError, StoreMisconfigured
from leflux import __version__
from leflux.commands.log import EXIT_FAILED, EXIT_USAGE
from leflux.config import Settings
from leflux.runtime.diagnosis import findings, stores

PINGS = 20
SLOW_MS = 50.0
FREE_BYTES = 500_000_000


def add_commands(commands: Any) -> None:
    """Declare the commands to `argparse`."""
    backing = commands.add_parser("backup", help="copy the store to a file, also while the server runs")
    backing.add_argument("file", metavar="FILE", type=Path)
    restoring = commands.add_parser("restore", help="put a backup in the store's place, without what was erased since")
    restoring.add_argument("file", metavar="FILE", type=Path)
    commands.add_parser("doctor", help="look at versions, stores, latency, disk and durability")


async def back_up(settings: Settings, file: Path) -> int:
    """Returns the exit code: 0 well, 2 when a store has to be backed up by its own tools. Raises
    `StoreMisconfigured`."""
    if (code := _refusal(settings)) is not None:
        return code
    for section, store in stores(settings):
        target = _file(file, section)
        began = time.monotonic()
        assert store.store.back_up is not None
        await asyncio.to_thread(store.store.back_up, store.options, target)
        size = target.stat().st_size / 1_000_000
        print(f"{section}: {target}, {size:.1f} MB in {time.monotonic() - began:.1f} s")
    return 0


async def restore(settings: Settings, file: Path) -> int:
    """Exit codes as above. Raises `StoreMisconfigured`, also when the store is in use."""
    if (code := _refusal(settings)) is not None:
        return code
    for section, store in stores(settings):
        assert store.store.restore is not None
        erased = await store.store.restore(store.options, _file(file, section))
        print(f"{section}: restored; {erased} conversation(s) that were erased since the backup are erased again")
    return 0


def _file(file: Path, section: str) -> Path:
    return file if section == "storage" else file.with_name(f"{file.name}.{section}")


def _refusal(settings: Settings) -> int | None:
    for section, store in stores(settings):
        if store.store.back_up is None:
            tools = "see docs/operations.md for its own tools"
            print(f"{section}: {store.backend} is not backed up by this command; {tools}", file=sys.stderr)
            return EXIT_USAGE
    return None


async def doctor(settings: Settings) -> int:
    """Print what there is and what is wrong; 1 when something is."""
    print(f"LeFlux {__version__}, Python {platform.python_version()}, {platform.platform()}")
    free = shutil.disk_usage(".").free
    print(f"disk: {free // 1_000_000:,} MB left here")
    wrong = [] if free >= FREE_BYTES else ["disk: less than 500 MB left here"]
    wrong += await findings(settings)
    try:
        storage = await open_storage(settings.storage, settings.message_log)
    except StoreMisconfigured:
        raise
    except StorageError as error:
        wrong.append(f"storage: does not answer: {error}")
    else:
        try:
            wrong += await _latency(settings, storage.ping)
        finally:
            await storage.close()
    for problem in wrong:
        print(f"PROBLEM  {problem}")
    print("Nothing is wrong." if not wrong else f"{len(wrong)} problem(s).")
    return EXIT_FAILED if wrong else 0


async def _latency(settings: Settings, ping: Any) -> list[str]:
    times = []
    for _ in range(PINGS):
        began = time.perf_counter()
        await ping()
        times.append(1000 * (time.perf_counter() - began))
    print(f"storage: {settings.storage.backend}, answers in {median(times):.1f} ms (slowest {max(times):.1f} ms)")
    return [f"storage: slow, {median(times):.0f} ms for a ping"] if median(times) > SLOW_MS else []
