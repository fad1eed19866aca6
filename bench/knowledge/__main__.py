"""`python -m bench.knowledge [FILE]`: prints the figures and writes them, with every verdict, as JSON."""

import asyncio
import sys
from pathlib import Path

import msgspec

from bench.knowledge.judge import Figures, judge
from bench.knowledge.site import documentation, served

RESULT = Path(__file__).with_name("result.json")


def main() -> int:
    folder = documentation()
    if folder is None:
        print("Python's documentation is missing (on Debian: apt install python3.11-doc)", file=sys.stderr)
        return 1
    with served(folder) as base:
        outcome = asyncio.run(judge(base))
    result = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    result.write_bytes(msgspec.json.format(msgspec.json.encode(outcome), indent=1) + b"\n")
    print(
        f"{outcome.pages} pages of {folder}, crawled in {outcome.crawl_seconds} s, again in {outcome.again_seconds} s"
    )
    print(
        f"index built in {outcome.index_seconds} s; answers: median {outcome.ms_median} ms, worst {outcome.ms_worst} ms"
    )
    shares = {"first set": outcome.overall, "tuned on": outcome.tuned, "held out": outcome.held_out}
    for name, share in (shares | {"second": outcome.fresh, "third": outcome.third}).items():
        print(f"{name:9} {line(share)}")
    return 0


def line(share: Figures) -> str:
    return (
        f"right page cited first: {share.cited:6.1%} of {share.answerable}   "
        f"declined when unanswerable: {share.declined:6.1%} of {share.unanswerable}"
    )


if __name__ == "__main__":
    sys.exit(main())
