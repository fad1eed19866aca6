"""Engine.IO v4 on Tornado: WebSocket and long-polling of our own, under python-socketio's public server.

The stock driver reads without limit, never waits for a slow reader, and lets one slow handler starve the
pongs of its socket. Here the Origin gate and every cap come before anything is allocated, a packet is
dispatched in the order of its socket, and a write goes straight to the transport.
"""

from leflux.realtime.engine.http import make_handler
from leflux.realtime.engine.server import CONTEXT, Admission, Engine, Refusal
from leflux.realtime.engine.sio import LocalManager, Server
from leflux.realtime.engine.upgrade import UpgradeFirst

__all__ = ["CONTEXT", "Admission", "Engine", "LocalManager", "Refusal", "Server", "UpgradeFirst", "make_handler"]
