"""Looks at the stores' settings at the start and every minute, and says once what is new."""

import structlog

from backends.errors import StoreMisconfigured
from leflux.common.recurring import Recurring
from leflux.config import Settings
from leflux.runtime.diagnosis import findings

log = structlog.get_logger(__name__)
INTERVAL = 60.0


class StoreWatch(Recurring):
    """`warnings`: what an operator should mend, as of the last look."""

    def __init__(self, settings: Settings, interval: float = INTERVAL) -> None:
        super().__init__("store watch", self.look, interval)
        self.warnings: list[str] = []
        self._settings = settings

    def start(self) -> None:
        super().start()
        self.hurry()

    async def look(self) -> None:
        """Look once. A problem is logged when it comes and when it has gone."""
        try:
            found = await findings(self._settings)
        except StoreMisconfigured as error:
            found = [str(error)]
        known, self.warnings = self.warnings, found
        for problem in found:
            if _kind(problem) not in map(_kind, known):
                log.warning("the store needs attention", problem=problem)
        for problem in known:
            if _kind(problem) not in map(_kind, found):
                log.info("the store is mended", problem=problem)


def _kind(problem: str) -> str:
    """The problem without its figures, which change from look to look."""
    return "".join(letter for letter in problem if not letter.isdigit())
