"""The demo shop: a site of several pages that carries the widget, and the forms on it.

It shares its origin with the dashboard. Its pages' policy lets their scripts reach the visitors' calls only, so that
none of them can act with the cookie of an owner who is signed in (docs/security.md).
"""

import mimetypes
import re
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from tornado.httputil import HTTPServerRequest
from tornado.template import Loader
from tornado.web import HTTPError, RequestHandler

from leflux.owner.accounts import EVERY_SITE
from leflux.protocol import Problem
from leflux.web.admin.base import AdminHandler
from leflux.web.admin.dependencies import AdminDependencies
from leflux.web.base import PlainHandler, PlainRedirect

DEMO = Path(__file__).resolve().parent.parent / "demo"
# The policy of a careful shop, which the widget has to work under.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src {reachable}; form-action 'self'; worker-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
REACHABLE = ("/api/session/", "/api/chat", "/socket.io/", "/demo/")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
FORMS = {"contact": "/demo/contact/thanks.html", "booking": "/demo/book/thanks.html"}
FORM_LOG_SIZE = 200
FORM_BYTES, FIELDS, NAME_CHARS, FIELD_CHARS, FORM_CHARS = 64 * 1024, 50, 100, 2_000, 8_000
SAME_ORIGIN = {"same-origin", "none"}


def render() -> dict[str, bytes]:
    """Every page of the shop by its path below `/demo/`, rendered once at the start."""
    lamps = yaml.safe_load((DEMO / "lamps.yaml").read_text("utf-8"))
    sources = DEMO / "pages"
    loader = Loader(str(sources))
    names = [file.relative_to(sources).as_posix() for file in sources.rglob("*.html") if not file.name.startswith("_")]
    pages = {name: loader.load(name).generate(page=name, lamps=lamps) for name in names}
    for lamp in lamps:
        name = f"lamps/{lamp['id']}.html"
        pages[name] = loader.load("lamps/_lamp.html").generate(page=name, lamps=lamps, product=lamp)
    return pages


def policy(request: HTTPServerRequest) -> str:
    """The pages' Content-Security-Policy. A host that is not one reaches nothing."""
    if not _HOST.fullmatch(request.host):
        return CSP.format(reachable="'none'")
    origins = (f"{scheme}://{request.host}" for scheme in ("http", "https", "ws", "wss"))
    return CSP.format(reachable=" ".join(origin + path for origin in origins for path in REACHABLE))


def set_policy(handler: RequestHandler) -> None:
    handler.set_header("Content-Security-Policy", policy(handler.request))
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "same-origin")
    handler.set_header("Cache-Control", "no-cache")


class PageHandler(PlainHandler):
    def initialize(self, pages: dict[str, bytes]) -> None:
        self._pages = pages

    def get(self, path: str) -> None:
        name = path + "index.html" if path == "" or path.endswith("/") else path
        if f"{path}/index.html" in self._pages:
            self.redirect(f"/demo/{path}/", permanent=True)
            return
        set_policy(self)
        if name not in self._pages:
            self.set_status(404)
        self.finish(self._pages.get(name, self._pages["404.html"]))

    head = get


class StudioHandler(PageHandler):
    """Client-side routes: every page below `/demo/studio/` is one document."""

    def get(self, path: str) -> None:
        super().get("studio/index.html")

    head = get


class DemoAssetHandler(PlainHandler):
    """Serves the assets from memory: no path reaches the file system."""

    def initialize(self, assets: Mapping[str, bytes]) -> None:
        self._assets = assets

    def get(self, name: str) -> None:
        body = self._assets.get(name)
        if body is None:
            raise HTTPError(404)
        set_policy(self)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.finish(body)

    head = get


class FormLog:
    """The latest submissions of the demo's forms, newest last, in memory."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=FORM_LOG_SIZE)

    def add(self, form: str, fields: dict[str, str]) -> None:
        self.entries.append({"form": form, "fields": fields, "ts": round(time.time() * 1000)})


def read_fields(arguments: Mapping[str, list[bytes]]) -> dict[str, str]:
    """The last value of each field, as far as the caps on number and size allow."""
    fields: dict[str, str] = {}
    left = FORM_CHARS
    for name, values in list(arguments.items())[:FIELDS]:
        value = values[-1].decode("utf-8", "replace")[:FIELD_CHARS]
        left -= len(name) + len(value)
        if len(name) > NAME_CHARS or left < 0:
            break
        fields[name] = value
    return fields


class FormHandler(PlainHandler):
    def initialize(self, forms: FormLog) -> None:
        self._forms = forms

    def post(self, form: str) -> None:
        if self.request.headers.get("Sec-Fetch-Site", "none") not in SAME_ORIGIN:
            raise HTTPError(403)
        if len(self.request.body) > FORM_BYTES:
            raise HTTPError(413)
        self._forms.add(form, read_fields(self.request.body_arguments))
        self.redirect(FORMS[form], status=303)


class FormLogHandler(AdminHandler):
    """The submissions as JSON, for an owner who sees every site: the demo belongs to none."""

    needs_whole_account = True

    def initialize(self, body_cap: int, dependencies: AdminDependencies, forms: FormLog) -> None:  # type: ignore[override]
        super().initialize(body_cap, dependencies)
        self._forms = forms

    def get(self) -> None:
        if EVERY_SITE not in self.account.sites:
            raise Problem("forbidden", "The demo's forms are shown to accounts that see every site.")
        self.answer({"entries": list(self._forms.entries)})


def owner_routes(forms: FormLog, body_cap: int, dependencies: AdminDependencies) -> list[Any]:
    """What of the demo an owner may read; goes in front of `routes`."""
    arguments = {"body_cap": body_cap, "dependencies": dependencies, "forms": forms}
    return [(r"/demo/forms/log", FormLogHandler, arguments)]


def routes(forms: FormLog) -> list[Any]:
    pages = {"pages": render()}
    folder = DEMO / "assets"
    files = [file for file in folder.rglob("*") if file.is_file()]
    assets = {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
    return [
        (r"/demo", PlainRedirect, {"url": "/demo/"}),
        (rf"/demo/forms/({'|'.join(FORMS)})", FormHandler, {"forms": forms}),
        (r"/demo/assets/(.*)", DemoAssetHandler, {"assets": assets}),
        (r"/demo/studio/([^.]*)", StudioHandler, pages),
        (r"/demo/(.*)", PageHandler, pages),
    ]
