"""What a site's owner decides about keeping and logging: pure rules, times in seconds."""

import msgspec

from backends.records import SessionRef
from leflux.chat.conversation_ids import checked_session_id
from leflux.protocol import Retention

# A browser may wake up with a cache that was written just before its site's rule was shortened.
TOMBSTONE_SLACK = 24 * 3600.0


class Policy(msgspec.Struct, frozen=True):
    """The rules of one site at one moment.

    `longest_cache`: how long a browser may still keep what it stored under an earlier rule. `person_silence`: how long
    a person who has a conversation may say nothing before it is handed back.
    """

    client_ttl: float
    user_data_ttl: float
    idle_ttl: float
    task_hold: float
    read_only: float
    message_log: bool = True
    log_retention_days: int | None = None
    longest_cache: float = 0.0
    person_silence: float = 900.0

    def ref(self, site_id: str, name: str) -> SessionRef:
        """The session `name` under these rules. Raises `invalid_session_id`."""
        return SessionRef(site_id, checked_session_id(name), self.idle_ttl)

    def retention(self) -> Retention:
        """The rules as a client gets them, in milliseconds."""
        return Retention(
            client_ttl_ms=_ms(self.client_ttl),
            user_data_ttl_ms=_ms(self.user_data_ttl),
            idle_ttl_ms=_ms(self.idle_ttl),
            task_hold_ms=_ms(self.task_hold),
            read_only_ms=_ms(self.read_only),
        )

    def tombstone(self) -> float:
        """How long a purged id must answer `session_deleted`: while any browser cache could still name it."""
        return max(self.client_ttl, self.user_data_ttl, self.longest_cache) + TOMBSTONE_SLACK


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
