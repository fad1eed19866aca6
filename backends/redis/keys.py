"""The names of the keys.

A hash tag keeps what one script touches on one node of a cluster: everything of a session is tagged with the session,
everything that indexes or logs a site with the site, all settings with one word. Ids are percent-encoded, so that none
can end its tag or look like another key.
"""

import re
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

from backends.errors import StoreMisconfigured

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
KNOWN = 2048
"""Sessions whose key names are kept, some 600 bytes each."""


def _tag(name: str) -> str:
    return name if _PLAIN(name) or name.isalnum() else quote(name, safe="")


@lru_cache(KNOWN)
def _session_keys(prefix: str, site_id: str, session_id: str) -> tuple[str, ...]:
    root = f"{prefix}s:{{{_tag(session_id)}}}:"
    return (f"{root}s", f"{root}m", f"{root}k", f"{root}x", f"{root}t", f"{root}o:{_tag(site_id)}")


class Keys(Struct, frozen=True):
    """All keys of a deployment."""

    prefix: str

    def __post_init__(self) -> None:
        if "{" in self.prefix or "}" in self.prefix:
            raise StoreMisconfigured("storage.redis.prefix: braces would break the placement on a cluster")

    def session(self, site_id: str, session_id: str) -> tuple[str, ...]:
        """What every session script takes: state, messages, client ids, extras, tombstones, the site's outbox."""
        return _session_keys(self.prefix, site_id, session_id)

    def outbox(self, site_id: str, session_id: str) -> str:
        return _session_keys(self.prefix, site_id, session_id)[-1]

    def sites(self) -> str:
        """The sites that ever had a session."""
        return f"{self.prefix}sites"

    def ping(self) -> str:
        return f"{self.prefix}ping"

    def workers(self) -> str:
        """The workers, by the ms when their heartbeat runs out."""
        return f"{self.prefix}workers"

    def activity(self, site_id: str) -> str:
        """The site's sessions, by an activity that may be older than the true one."""
        return f"{self.prefix}i:{{{_tag(site_id)}}}:activity"

    def lines(self, site_id: str) -> tuple[str, str]:
        """Sessions with log lines to deliver: now, and those to look at once more later."""
        return (f"{self.prefix}i:{{{_tag(site_id)}}}:lines", f"{self.prefix}i:{{{_tag(site_id)}}}:lines:later")

    def work(self, site_id: str) -> tuple[str, str]:
        """Sessions with an open question or a live task: to look at now, and later."""
        return (f"{self.prefix}i:{{{_tag(site_id)}}}:work", f"{self.prefix}i:{{{_tag(site_id)}}}:work:later")

    def deletions(self, site_id: str) -> str:
        """Sessions whose deletion the log has not confirmed, by the seconds of their tombstone."""
        return f"{self.prefix}i:{{{_tag(site_id)}}}:deletions"

    def log(self, site_id: str, name: str, *parts: str) -> str:
        """A key of a site's log."""
        return ":".join((f"{self.prefix}l:{{{_tag(site_id)}}}", name, *map(_tag, parts)))

    def settings(self, name: str, *parts: str) -> str:
        return ":".join((f"{self.prefix}c:{{settings}}", name, *map(_tag, parts)))
