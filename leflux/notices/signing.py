"""Signatures of webhooks by the Standard Webhooks specification, version 1: HMAC-SHA256 over id, time and body."""

import base64
import hmac

from leflux.common.server_key import ServerKey
from leflux.owner.notice_rules import Endpoint

PURPOSE = "webhook secrets"


class WebhookSecrets:
    """Each endpoint's secret is derived from the server's key, so that no document holds it."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key

    async def shown(self, endpoint: Endpoint) -> str:
        """As an owner gets it, once."""
        return "whsec_" + base64.b64encode(await self._secret(endpoint)).decode()

    async def headers(self, endpoint: Endpoint, webhook_id: str, seconds: int, body: bytes) -> dict[str, str]:
        """`seconds`: the time of the attempt, since the epoch."""
        signed = f"{webhook_id}.{seconds}.".encode() + body
        digest = hmac.digest(await self._secret(endpoint), signed, "sha256")
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }

    async def _secret(self, endpoint: Endpoint) -> bytes:
        root = await self._key.derived(PURPOSE)
        return hmac.digest(root, f"{endpoint.id}.{endpoint.secret_number}".encode(), "sha256")
