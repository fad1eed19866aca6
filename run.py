"""Run LeFlux: `python run.py --config FILE`. The command line is `leflux.commands.cli`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run one command. Outside the environment, say in one line how to get into it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - any Python may be asked to run this file
        return _outside("LeFlux needs Python 3.11 or newer")
    try:
        from leflux.commands.cli import main as run
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "leflux", "backends"):
            raise
        return _outside(f"this Python cannot import the package {package!r}")
    return run()


def _outside(reason: str) -> int:
    python = HERE / ".venv" / "bin" / "python"
    advice = f"{python} {' '.join(sys.argv)}" if python.exists() else f"make -C {HERE} setup"
    sys.stderr.write(f"{reason}; run: {advice}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
