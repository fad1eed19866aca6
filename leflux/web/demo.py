"""The demo shop: a site of several pages that carries the widget, and the forms on it."""

import ipaddress
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import yaml
from tornado.template import Loader
from tornado.web import HTTPError, RedirectHandler, RequestHandler, StaticFileHandler

DEMO = Path(__file__).resolve().parent.parent / "demo"
# What a careful shop would set. The widget has to live with it.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
FORMS = {"contact": "/demo/contact/thanks.html", "booking": "/demo/book/thanks.html"}
FORM_LOG_SIZE = 200
FIELD_CHARS = 2_000


def render() -> dict[str, bytes]:
    """Every page of the shop by its path below `/demo/`; all of them are made once, at the start."""
    lamps = yaml.safe_load((DEMO / "lamps.yaml").read_text("utf-8"))
    sources = DEMO / "pages"
    loader = Loader(str(sources))
    names = [file.relative_to(sources).as_posix() for file in sources.rglob("*.html") if not file.name.startswith("_")]
    pages = {name: loader.load(name).generate(page=name, lamps=lamps) for name in names}
    for lamp in lamps:
        name = f"lamps/{lamp['id']}.html"
        pages[name] = loader.load("lamps/_lamp.html").generate(page=name, lamps=lamps, product=lamp)
    return pages


def set_policy(handler: RequestHandler) -> None:
    handler.set_header("Content-Security-Policy", CSP)
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "same-origin")
    handler.set_header("Cache-Control", "no-cache")


class PageHandler(RequestHandler):
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


class AssetHandler(StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        set_policy(self)


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


def routes() -> list[Any]:
    forms = FormLog()
    pages = {"pages": render()}
    return [
        (r"/", RedirectHandler, {"url": "/demo/", "permanent": False}),
        (r"/demo", RedirectHandler, {"url": "/demo/"}),
        (r"/demo/forms/log", FormLogHandler, {"forms": forms}),
        (rf"/demo/forms/({'|'.join(FORMS)})", FormHandler, {"forms": forms}),
        (r"/demo/assets/(.*)", AssetHandler, {"path": str(DEMO / "assets")}),
        (r"/demo/studio/([^.]*)", StudioHandler, pages),
        (r"/demo/(.*)", PageHandler, pages),
    ]
