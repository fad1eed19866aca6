"""HTTP/1.1 on an asyncio protocol: llhttp reads, and above are Tornado's public interfaces (`tornado.httputil`).

Knows nothing of the chat. Why it is here: docs/decisions/httptools.md.
"""

from leflux.http1.exchange import Detached, Exchange
from leflux.http1.registry import HttpLimits
from leflux.http1.server import HttpServer
