"""`python -m bench.peers.bare PORT FOLDER`: a Tornado handler that only sends the bytes of a file."""

import asyncio
import sys
from pathlib import Path

import tornado.web
import uvloop


class Bytes(tornado.web.RequestHandler):
    def initialize(self, answers: dict[str, bytes]) -> None:
        self._answers = answers

    def post(self, name: str) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(self._answers[name])


async def serve(port: int, answers: dict[str, bytes]) -> None:
    tornado.web.Application([(r"/(.+)", Bytes, {"answers": answers})]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), {file.name: file.read_bytes() for file in Path(sys.argv[2]).iterdir()}))
