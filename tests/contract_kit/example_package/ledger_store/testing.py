"""What the contract suite is told about this store."""

from pathlib import Path

from backends import StoreSettings
from ledger_store import LedgerSettings
from leflux.contract.harness import StoreHarness


class LedgerHarness(StoreHarness):
    """One opening at a time may work on a file, and each write costs as much as all that is stored."""

    shared = False
    machines = False
    flat = False

    def settings(self, folder: Path, tag: str) -> StoreSettings:
        return StoreSettings("ledger", LedgerSettings(path=str(folder / "ledger")))
