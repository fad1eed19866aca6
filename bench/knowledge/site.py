"""The documentation site: found on this machine, and served from a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLACES = ("/usr/share/doc/python3/html", "/usr/share/doc/python3.*/html")


def documentation() -> Path | None:
    """Where a Debian package has put Python's documentation; None when there is none."""
    for place in PLACES:
        for folder in sorted(Path("/").glob(place.lstrip("/")), reverse=True):
            if (folder / "library" / "json.html").is_file():
                return folder.resolve()
    return None


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A crawler that has seen enough of a page hangs up."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on a free port; yields the site's base URL."""
    with _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
