"""`python -m tests.faults`: seeds on each kind of store; exits with 1 when a rule was violated."""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.faults.runner import Outcome, run_seed
from tests.faults.set_ups import SET_UPS

OUT = Path("build/faults")


def main() -> int:
    """Run the seeds that the options name and print a line for each."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--set-ups", default=",".join(SET_UPS), help="comma-separated; default: all")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds on each; default: 1")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each seed runs; default: 60")
    options = parser.parse_args()
    names = options.set_ups.split(",")
    if unknown := set(names) - set(SET_UPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    outcomes = [
        _show(asyncio.run(run_seed(name, seed, options.seconds, OUT)))
        for seed in range(options.first, options.first + options.seeds)
        for name in names
    ]
    broken = sum(len(outcome.violations) for outcome in outcomes)
    operations, faults = sum(one.operations for one in outcomes), sum(one.faults for one in outcomes)
    print(f"{len(outcomes)} seeds, {operations:,} operations, {faults:,} faults, {broken} violations")
    return 1 if broken else 0


def _show(outcome: Outcome) -> Outcome:
    print(
        f"{outcome.set_up:16} seed {outcome.seed}: {outcome.operations:,} operations, {outcome.faults} faults, "
        f"{outcome.acknowledged:,} messages acknowledged, {len(outcome.violations)} violations",
        flush=True,
    )
    for violation in outcome.violations:
        print(f"    {violation}", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
