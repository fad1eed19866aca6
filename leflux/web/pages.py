"""What browsers load: the widget's scripts and the demo shop."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

from msgspec import Struct
from tornado.web import RequestHandler

from leflux.web import demo

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "widget" / "dist"


class Script(Struct, frozen=True):
    """A script in memory, also compressed once for all."""

    body: bytes
    zipped: bytes
    etag: str

    @classmethod
    def load(cls, path: Path) -> "Script":
        body = path.read_bytes()
        return cls(body, gzip.compress(body, 9, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class ScriptHandler(RequestHandler):
    """Serves one script to pages of any origin. A versioned URL (`?v=`) may be kept for good."""

    def initialize(self, script: Script) -> None:
        self._script = script

    def get(self) -> None:
        script = self._script
        versioned = bool(self.get_query_argument("v", ""))
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if versioned else "public, max-age=300")
        self.set_header("Access-Control-Allow-Origin", "*")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("Etag", script.etag)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        elif "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(script.zipped)
        else:
            self.finish(script.body)


def routes() -> list[Any]:
    """Raises `FileNotFoundError` when the widget was not built."""
    return [
        (r"/embed\.js", ScriptHandler, {"script": Script.load(WIDGET / "embed.js")}),
        (r"/leflux-agent\.js", ScriptHandler, {"script": Script.load(WIDGET / "leflux-agent.js")}),
        *demo.routes(),
    ]
