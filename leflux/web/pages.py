"""What browsers load: the widget's scripts, the demo site and its forms."""

import gzip
import hashlib
import ipaddress
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from tornado.web import HTTPError, RedirectHandler, RequestHandler, StaticFileHandler

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "widget" / "dist"
DEMO = ROOT / "demo"
DEMO_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
ENGLISH = "en"
FORMS = {"contact": "/demo/contact/thanks.html", "booking": "/demo/book/thanks.html"}
FORM_LOG_SIZE = 200
FIELD_CHARS = 2_000


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
    """Serves a script to pages of any origin, in the language `?l=` or else in English. A versioned URL (`?v=`) may be
    kept for good."""

    def initialize(self, scripts: dict[str, Script]) -> None:
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


class DemoHandler(StaticFileHandler):
    """The demo shop's files, under the strict policy that a careful site would set."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Content-Security-Policy", DEMO_CSP)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-cache")

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if Path(absolute_path).suffix in {".py", ".pyc"}:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)


class TypesHandler(StaticFileHandler):
    """The types of `window.LeFlux`, for a page's own build."""

    def get_content_type(self) -> str:
        return "text/plain; charset=utf-8"


class StudioHandler(DemoHandler):
    """Client-side routes: every page below `/demo/studio/` is one document."""

    async def get(self, path: str, include_body: bool = True) -> None:
        del path
        await super().get("studio/index.html", include_body)


class FormLog:
    """What was submitted to the demo's forms, newest last, in memory."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=FORM_LOG_SIZE)

    def add(self, form: str, fields: dict[str, str]) -> None:
        self.entries.append({"form": form, "fields": fields, "ts": round(time.time() * 1000)})


class FormHandler(RequestHandler):
    def initialize(self, forms: FormLog) -> None:
        self._forms = forms

    def post(self, form: str) -> None:
        fields = {
            name: values[-1].decode("utf-8", "replace")[:FIELD_CHARS]
            for name, values in list(self.request.body_arguments.items())[:50]
        }
        self._forms.add(form, fields)
        self.redirect(FORMS[form], status=303)


class FormLogHandler(RequestHandler):
    """The submissions as JSON, for whoever sits at the machine that runs the demo."""

    def initialize(self, forms: FormLog) -> None:
        self._forms = forms

    def get(self) -> None:
        if not ipaddress.ip_address(self.request.remote_ip or "0.0.0.0").is_loopback:  # noqa: S104
            raise HTTPError(404)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(msgspec.json.encode({"entries": list(self._forms.entries)}))


def agent_scripts(folder: Path) -> dict[str, Script]:
    """The agent by language: `leflux-agent.<language>.js`, and English without one. Raises `FileNotFoundError`."""
    scripts = {ENGLISH: Script.load(folder / "leflux-agent.js")}
    for path in folder.glob("leflux-agent.*.js"):
        scripts[path.name.split(".")[1]] = Script.load(path)
    return scripts


def routes() -> list[Any]:
    """Raises `FileNotFoundError` when the widget was not built."""
    forms = FormLog()
    demo = {"path": str(DEMO), "default_filename": "index.html"}
    return [
        (r"/embed\.js", ScriptHandler, {"scripts": {ENGLISH: Script.load(WIDGET / "embed.js")}}),
        (r"/leflux-agent\.js", ScriptHandler, {"scripts": agent_scripts(WIDGET)}),
        (r"/(leflux\.d\.ts)", TypesHandler, {"path": str(WIDGET.parent)}),
        (r"/", RedirectHandler, {"url": "/demo/", "permanent": False}),
        (r"/demo", RedirectHandler, {"url": "/demo/"}),
        (r"/demo/forms/log", FormLogHandler, {"forms": forms}),
        (rf"/demo/forms/({'|'.join(FORMS)})", FormHandler, {"forms": forms}),
        (r"/demo/studio(?:/([^.]*))?", StudioHandler, demo),
        (r"/demo/(.*)", DemoHandler, demo),
    ]
