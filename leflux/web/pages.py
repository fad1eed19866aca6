"""Files: the widget's scripts and types, and the description of the HTTP calls."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

from msgspec import Struct
from tornado.web import StaticFileHandler

from leflux.web.base import PlainHandler

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "widget" / "dist"
DESCRIPTION = ROOT / "web" / "openapi.yaml"
ENGLISH = "en"
# The parts of the widget that it loads on demand.
PARTS = ("leflux-socket", "leflux-more", "leflux-page")


class BuiltScript(Struct, frozen=True):
    """A script in memory, also compressed once for all."""

    body: bytes
    zipped: bytes
    etag: str

    @classmethod
    def load(cls, path: Path) -> "BuiltScript":
        return cls.made(path.read_bytes())

    @classmethod
    def made(cls, body: bytes) -> "BuiltScript":
        return cls(body, gzip.compress(body, 9, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class ScriptHandler(PlainHandler):
    """Serves a script to pages of any origin, in the language `?l=` or else in English. A versioned URL (`?v=`) never
    changes."""

    def initialize(self, scripts: dict[str, BuiltScript]) -> None:
        self._scripts = scripts

    def get(self) -> None:
        script = self._scripts.get(self.get_query_argument("l", ENGLISH)) or self._scripts[ENGLISH]
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


class TypesHandler(PlainHandler, StaticFileHandler):
    """The types of `window.LeFlux`, for a page's own build."""

    def get_content_type(self) -> str:
        return "text/plain; charset=utf-8"


class DescriptionHandler(PlainHandler):
    """`/openapi.yaml`, as it stands in the docs."""

    def initialize(self, body: bytes) -> None:
        self._body = body

    def get(self) -> None:
        self.set_header("Content-Type", "application/yaml; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Access-Control-Allow-Origin", "*")
        self.finish(self._body)


def agent_scripts(folder: Path) -> dict[str, BuiltScript]:
    """The agent by language: `leflux-agent.<language>.js`, and English without one. Raises `FileNotFoundError`."""
    scripts = {ENGLISH: BuiltScript.load(folder / "leflux-agent.js")}
    for path in folder.glob("leflux-agent.*.js"):
        scripts[path.name.split(".")[1]] = BuiltScript.load(path)
    return scripts


def routes() -> list[Any]:
    """Raises `FileNotFoundError` when the widget was not built."""
    return [
        *(
            (rf"/{name}\.js", ScriptHandler, {"scripts": {ENGLISH: BuiltScript.load(WIDGET / f"{name}.js")}})
            for name in ("embed", *PARTS)
        ),
        (r"/leflux-agent\.js", ScriptHandler, {"scripts": agent_scripts(WIDGET)}),
        (r"/(leflux\.d\.ts)", TypesHandler, {"path": str(WIDGET.parent)}),
        (r"/openapi\.yaml", DescriptionHandler, {"body": DESCRIPTION.read_bytes()}),
    ]
