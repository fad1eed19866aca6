"""The owner's pages: two documents and their assets, under a policy that runs nothing but them."""

import mimetypes
from pathlib import Path
from typing import Any

from leflux.web.base import PlainHandler, PlainRedirect
from leflux.web.pages import BuiltScript

DIST = Path(__file__).resolve().parent.parent / "dashboard" / "dist"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; "
)
# Trusted types make a string that would become markup an error: what visitors write can only ever be text.
INDEX_POLICY = POLICY + "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
PREVIEW_POLICY = POLICY + "frame-ancestors 'self'"
FOREVER = "public, max-age=31536000, immutable"
_PLACES = {
    b"/dashboard/assets/": b"%/dashboard/assets/",
    b'src="/embed.js"': b'src="%/embed.js"',
    b'data-base-path=""': b'data-base-path="%"',
}
"""What a built file says of where it is served; `%` is the path before it."""


class _Handler(PlainHandler):
    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def send(self, file: BuiltScript) -> None:
        self.set_header("Vary", "Accept-Encoding")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(file.zipped)
        else:
            self.finish(file.body)


class DocumentHandler(_Handler):
    """One document for every address: which view it means is the document's business."""

    def initialize(self, document: BuiltScript, policy: str, frames: str) -> None:
        self._document = document
        self._policy = policy
        self._frames = frames

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Frame-Options", self._frames)
        self.set_header("Content-Security-Policy", self._policy)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send(self._document)

    head = get


class DashboardAssetHandler(_Handler):
    """A file whose name changes with its content, so that it may be kept for good."""

    def initialize(self, assets: dict[str, BuiltScript]) -> None:
        self._assets = assets

    def get(self, name: str) -> None:
        asset = self._assets.get(name)
        if asset is None:
            self.set_status(404)
            self.finish()
            return
        kind = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.set_header("Cache-Control", FOREVER)
        self.send(asset)

    head = get


def placed(path: Path, base_path: str) -> BuiltScript:
    """A built file whose addresses begin with `base_path`."""
    body = path.read_bytes()
    for place, replacement in _PLACES.items():
        body = body.replace(place, replacement.replace(b"%", base_path.encode()))
    return BuiltScript.made(body)


def routes(enabled: bool, base_path: str = "") -> list[Any]:
    """Nothing when the dashboard is switched off. Raises `FileNotFoundError` when it was not built."""
    if not enabled:
        return []
    assets = {file.name: placed(file, base_path) for file in (DIST / "assets").iterdir()}
    index = {"document": placed(DIST / "index.html", base_path), "policy": INDEX_POLICY, "frames": "DENY"}
    preview = {
        "document": placed(DIST / "preview.html", base_path),
        "policy": PREVIEW_POLICY,
        "frames": "SAMEORIGIN",
    }
    return [
        (r"/dashboard", PlainRedirect, {"url": f"{base_path}/dashboard/"}),
        (r"/dashboard/preview\.html", DocumentHandler, preview),
        (r"/dashboard/assets/(.*)", DashboardAssetHandler, {"assets": assets}),
        (r"/dashboard/.*", DocumentHandler, index),
    ]
