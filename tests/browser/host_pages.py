"""What the pages of `hosts/` are served with: the chat's tag, and the libraries that real sites use.

A page says in comments which headers (`<!-- header: ... -->`) and which type (`<!-- type: ... -->`) it is sent with.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

from tests.hostile_site import response
from tests.services.find import prototype_js

HOSTS = Path(__file__).parent / "hosts"
WIDGET = Path(__file__).parents[2] / "leflux" / "widget"
MODULES = WIDGET / "node_modules"
LIBRARIES = {
    "bootstrap.js": "bootstrap/dist/js/bootstrap.bundle.js",
    "bootstrap.css": "bootstrap/dist/css/bootstrap.css",
    "darkreader.js": "darkreader/darkreader.js",
    "date.js": "datejs/lib/date.js",
    "focus-trap.js": "focus-trap/dist/focus-trap.umd.js",
    "htmx.js": "htmx.org/dist/htmx.js",
    "mootools.js": "mootools-core-dist/dist/mootools-core-compat.js",
    "navigo.js": "navigo/lib/navigo.js",
    "page.js": "page/page.js",
    "sweetalert2.js": "sweetalert2/dist/sweetalert2.all.js",
    "tabbable.js": "tabbable/dist/index.umd.js",
    "turbo.js": "@hotwired/turbo/dist/turbo.es2017-umd.js",
    "zone.js": "zone.js/bundles/zone.umd.js",
}
# Packages that are published for bundlers only.
BUNDLED = {
    "react.js": "import { createElement } from 'react'; import { hydrateRoot } from 'react-dom/client';"
    "window.React = { createElement, hydrateRoot };",
    "sentry.js": "import * as Sentry from '@sentry/browser'; window.Sentry = Sentry;",
}
_HEADER = re.compile(r"<!-- header: (.*) -->")
_TYPE = re.compile(r"<!-- type: (.*) -->")


@cache
def library(name: str) -> bytes:
    if name == "prototype.js":
        found = prototype_js()
        assert found is not None, "prototype.js is missing: run `make services`"
        return response(found.read_bytes(), "text/javascript")
    media_type = "text/css" if name.endswith(".css") else "text/javascript"
    return response(bundle(BUNDLED[name]) if name in BUNDLED else (MODULES / LIBRARIES[name]).read_bytes(), media_type)


def bundle(source: str, *options: str) -> bytes:
    command = [str(MODULES / ".bin" / "esbuild"), "--bundle", "--format=iife", "--loader=js", "--log-level=error"]
    command += ["--define:process.env.NODE_ENV='production'", *options]
    return subprocess.run(command, input=source.encode(), cwd=WIDGET, check=True, stdout=subprocess.PIPE).stdout


def tag(base: str, options: str = "async") -> str:
    return f'<script>window.verdict = [];</script><script src="{base}/embed.js" {options}></script>'


def page_of(name: str, base: str) -> bytes:
    text = (HOSTS / f"{name}.html").read_text("utf-8")
    headers = "".join(f"{line}\r\n" for line in _HEADER.findall(text))
    media_type = next(iter(_TYPE.findall(text)), "text/html; charset=utf-8")
    body = text.replace("{{tag}}", tag(base)).replace("{{base}}", base)
    return response(body.encode(media_type.partition("charset=")[2] or "utf-8"), media_type, headers=headers)


def served(path: str, base: str) -> bytes | None:
    """The answer to `path`: a library, or a page, to whose address a router may have added."""
    if path == "/favicon.ico":
        return response(b"", "image/x-icon")
    if path.startswith("/lib/"):
        return library(path.removeprefix("/lib/"))
    name = path[1:].partition("?")[0]
    return page_of(name, base) if (HOSTS / f"{name}.html").is_file() else None
