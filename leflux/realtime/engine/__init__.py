"""Engine.IO v4 on Tornado: WebSocket and long-polling of our own, under python-socketio's public server.

The stock driver reads without limit, never waits for a slow reader, and lets one slow handler starve the pongs of its
socket. Here the Origin gate and every cap come before anything is allocated, a packet is dispatched in the order of
its socket, no socket takes more than its share of a turn of the loop, and a write goes straight to the transport.
"""

from leflux.realtime.engine.front import SocketFront
from leflux.realtime.engine.server import CONTEXT, Admission, Engine, Gates, Refusal
from leflux.realtime.engine.sio import EVENTS_PER_MESSAGE, LocalManager, Server
