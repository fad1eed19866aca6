"""Assembles what acts on visitors' pages: the ledger's book, the watch over connected pages, the engine."""

from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct

from backends.base import SessionStore
from backends.records import SessionRef
from leflux.outlet import Outlet
from leflux.privacy import Policy
from leflux.sites import HostNotRegistered, OriginRequired, Sites
from leflux.stats import Stats
from leflux.tasks.book import Book
from leflux.tasks.engine import Tasks
from leflux.tasks.model import Ending
from leflux.tasks.pages import Pages
from leflux.tasks.watch import Watch

SLOWEST_BEAT, FASTEST_BEAT = 5.0, 0.2


class Acting(Struct, frozen=True):
    """The parts that run tasks in one process."""

    tasks: Tasks
    book: Book
    watch: Watch

    def start(self) -> None:
        self.watch.start(self.book)

    async def stop(self) -> None:
        await self.watch.stop()


def open_acting(
    store: SessionStore,
    policy: Callable[[str], Policy],
    outlet: Outlet,
    seated: Callable[[str], tuple[int, str] | None],
    sites: Sites,
    stats: Stats,
    hold: float,
    kick: Callable[[str, str], None],
) -> Acting:
    """`seated(session_id)`: epoch and page of its socket in this process. `hold`: seconds. `kick`: a turn is open."""

    def epoch(session_id: str) -> int | None:
        seat = seated(session_id)
        return None if seat is None else seat[0]

    def url(session_id: str) -> str:
        seat = seated(session_id)
        return "" if seat is None else seat[1]

    def on_end(ref: SessionRef, ending: Ending) -> None:
        stats.acted(ref.site_id, ending.status)
        if ending.follow_up:
            kick(ref.site_id, ref.session_id)

    beat = max(FASTEST_BEAT, min(SLOWEST_BEAT, hold / 6))
    watch = Watch(epoch, beat)
    book = Book(store, policy, outlet, round(beat * 1000), watch.vouches, on_end)
    pages = Pages(store, url, belongs(sites))
    return Acting(Tasks(book, pages, watch, outlet, lambda site_id: stats.acted(site_id, "resumed")), book, watch)


def belongs(sites: Sites) -> Callable[[str, str], bool]:
    """Whether a URL's host is one of the site's, by the same rules as an Origin."""

    def is_own(site_id: str, url: str) -> bool:
        parts = urlsplit(url)
        try:
            return sites.find(f"{parts.scheme}://{parts.netloc}", None, "GET", None).id == site_id
        except (HostNotRegistered, OriginRequired):
            return False

    return is_own
