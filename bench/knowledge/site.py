"""The documentation site: found on this machine and served from a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLACES = ("/usr/share/doc/python3/html", "/usr/share/doc/python3.*/html")


def documentation() -> Path | None:
    """The folder of Python's documentation from a Debian package, or None."""
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
        """The crawler hangs up when it has read enough of a page."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the folder on a free port; yields the base URL."""
    with _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
