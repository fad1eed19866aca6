"""Google's asynchronous client, on a channel that reconnects within two seconds after a network failure."""

import asyncio
import os
from typing import Any

import google.auth
import grpc
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport

from backends.errors import StoreMisconfigured
from backends.firestore import FirestoreSettings

_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class FirestoreConnection:
    """A client and its channel, which the client's own `close` leaves open."""

    def __init__(self, client: AsyncClient, channel: Any) -> None:
        self.client = client
        self._channel = channel

    async def close(self, grace: float) -> None:
        """Let calls that are under way end, for so many seconds."""
        await self._channel.close(grace)


async def connect(settings: FirestoreSettings) -> FirestoreConnection:
    """A client that has not called yet. Raises `StoreMisconfigured` without credentials."""
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    credentials = AnonymousCredentials() if emulator else await asyncio.to_thread(_credentials)
    try:
        client = AsyncClient(project=settings.project, database=settings.database, credentials=credentials)
    except (ValueError, OSError) as error:
        raise StoreMisconfigured(f"Firestore cannot be used: {error}") from None
    if emulator:
        channel = grpc.aio.insecure_channel(emulator, options=_OPTIONS)
    else:
        channel = FirestoreGrpcAsyncIOTransport.create_channel(
            client._target, credentials=credentials, options=_OPTIONS
        )
    # The client makes its channel itself and waits up to two minutes between attempts to connect; this is the
    # attribute where it keeps what it made.
    client._firestore_api_internal = FirestoreAsyncClient(
        transport=FirestoreGrpcAsyncIOTransport(host=client._target, channel=channel)
    )
    return FirestoreConnection(client, channel)


def _credentials() -> Any:
    try:
        credentials, _ = google.auth.default(scopes=AsyncClient.SCOPE)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise StoreMisconfigured(f"Firestore has no credentials: {error}") from None
    return credentials
