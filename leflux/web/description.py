"""`/openapi.yaml`: the description of every HTTP call, as it stands in the docs."""

from pathlib import Path
from typing import Any

from tornado.web import RequestHandler

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.yaml"


class DescriptionHandler(RequestHandler):
    def initialize(self, body: bytes) -> None:
        self._body = body

    def get(self) -> None:
        self.set_header("Content-Type", "application/yaml; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Access-Control-Allow-Origin", "*")
        self.finish(self._body)


def routes() -> list[Any]:
    return [(r"/openapi\.yaml", DescriptionHandler, {"body": FILE.read_bytes()})]
