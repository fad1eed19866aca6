"""`python -m bench`: one table, and the same figures as JSON in `build/bench.json`. See docs/performance.md."""

import argparse
import asyncio
import json
import platform
from pathlib import Path

from bench.stores import measure

OUT = Path("build/bench.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--backends", default="", help="comma-separated; left out: all that this machine has")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of each measurement")
    options = parser.parse_args()
    rows = asyncio.run(measure([name for name in options.backends.split(",") if name], options.rounds))
    print(f"\n{'store':14} {'what':24} {'at seq':>7} {'median µs':>10} {'spread':>7} {'ratio':>6}")
    for row in rows:
        print(f"{row.store:14} {row.what:24} {row.at:7} {row.micros:10.0f} {row.spread:6.0%} {row.ratio:6.2f}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"python": platform.python_version(), "rows": [row.plain() for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
