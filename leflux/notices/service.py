"""Assembles the notices of one process: what records them, what delivers them, and what their owner sees."""

import re
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from msgspec import Struct

from backends.base import Storage
from backends.clock import now_ms
from leflux.common.server_key import ServerKey
from leflux.config import Settings, SmtpSettings
from leflux.notices.attempts import Attempts, described
from leflux.notices.history import DeliveryHistory, NoticeDelivery
from leflux.notices.lease import SenderLease
from leflux.notices.mailer import Mailer
from leflux.notices.outbox import Notice, NoticeName, NoticeOutbox, Waiting
from leflux.notices.recorder import NoticeRecorder
from leflux.notices.sender import NoticeSender
from leflux.notices.signing import WebhookSecrets
from leflux.notices.webhook_client import Failure, WebhookClient
from leflux.owner.notice_rules import EMAIL, EmailNotices, Endpoint, NoticeRules, SiteNotices, WebhooksRequest
from leflux.protocol import Problem

NOTICES = "notices"
"""The note on the bus: something waits. With `{again: true}`, an owner has asked for a retry."""
LEASE_SECONDS = 10.0
SHOWN = 100
NO_SMTP = "The configuration names no mail server (`smtp`)."
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+", re.ASCII)

Tell = Callable[[str, dict[str, Any]], Awaitable[None]]


class WebhookView(Struct, rename="camel", frozen=True):
    """A webhook as its owner sees it. `secret`: only in the answer to the call that made it.

    `stopped`: why the server has switched it off.
    """

    id: str
    url: str
    events: list[str]
    enabled: bool
    stopped: str | None
    secret: str | None = None


class WebhooksAnswer(Struct, frozen=True):
    """All the webhooks of a site."""

    endpoints: list[WebhookView]
    version: int


class EmailAnswer(EmailNotices, rename="camel", frozen=True, kw_only=True):
    """`is_available`: the configuration names a mail server."""

    is_available: bool


class NoticeService:
    """The parts that live and end together. `tell` sends a note to the other processes."""

    def __init__(self, settings: Settings, storage: Storage, rules: NoticeRules, tell: Tell) -> None:
        self.recorder = NoticeRecorder(storage, rules)
        self._rules = rules
        self._tell = tell
        self._outbox = NoticeOutbox(storage.settings)
        self._history = DeliveryHistory(storage.settings)
        self._secrets = WebhookSecrets(ServerKey(storage.settings))
        self._client = WebhookClient(settings.webhooks, self._secrets)
        self._mailer = None if settings.smtp is None else _mailer(settings, settings.smtp)
        lease = SenderLease(storage.settings, LEASE_SECONDS)
        self._attempts = Attempts(
            storage=storage,
            rules=rules,
            lease=lease,
            post=self._post,
            history=self._history,
            settings=settings.webhooks,
        )
        self._sender = NoticeSender(
            outbox=self._outbox, rules=rules, lease=lease, attempts=self._attempts, history=self._history
        )
        self.recorder.recorded.subscribe(self._sender.hurry)

    def start(self) -> None:
        self._sender.start()

    async def stop(self) -> None:
        await self._sender.stop()
        await self._client.close()
        if self._mailer is not None:
            self._mailer.close()

    async def _post(self, receiver: Endpoint, name: NoticeName, notice: Notice) -> Failure | None:
        if receiver.id != EMAIL:
            return await self._client.post(receiver, name, notice)
        if self._mailer is None:
            return Failure(NO_SMTP)
        return await self._mailer.post(receiver, name, notice)

    async def heard(self, note: dict[str, Any]) -> None:
        """Another process has something to deliver."""
        if note.get("again"):
            self._sender.look_again()
        else:
            self._sender.hurry()

    def gauges(self) -> dict[str, float]:
        counts = self._attempts.counts
        return {
            "notices_waiting": self._sender.waiting,
            "notices_delivered": counts.delivered,
            "notice_attempts_failed": counts.failed,
            "notices_given_up": counts.given_up,
        }

    async def webhooks(self, site_id: str) -> WebhooksAnswer:
        return await self._answer(await self._rules.read(site_id), None)

    async def change(self, site_id: str, wanted: WebhooksRequest) -> WebhooksAnswer:
        """Replace the site's webhooks. Raises `conflict`, `invalid_request` and `blocked_url`."""
        before = await self._rules.read(site_id)
        known = {endpoint.id: endpoint for endpoint in before.endpoints}
        for number, entry in enumerate(wanted.endpoints):
            if not (isinstance(entry.id, str) and entry.id in known and known[entry.id].url == entry.url):
                await self._client.check(entry.url, f"$.endpoints[{number}].url")
        after = await self._rules.change(site_id, wanted)
        return await self._answer(after, known)

    async def _answer(self, notices: SiteNotices, before: dict[str, Endpoint] | None) -> WebhooksAnswer:
        shown = [await self._view(endpoint, before) for endpoint in notices.endpoints]
        return WebhooksAnswer(shown, notices.version)

    async def _view(self, endpoint: Endpoint, before: dict[str, Endpoint] | None) -> WebhookView:
        """With its secret, when it is not the one `before`."""
        secret = None
        if before is not None:
            known = before.get(endpoint.id)
            if known is None or known.secret_number != endpoint.secret_number:
                secret = await self._secrets.shown(endpoint)
        return WebhookView(endpoint.id, endpoint.url, list(endpoint.events), endpoint.enabled, endpoint.stopped, secret)

    async def emails(self, site_id: str) -> EmailAnswer:
        return self._email_answer(await self._rules.read(site_id))

    async def change_emails(self, site_id: str, wanted: EmailNotices) -> EmailAnswer:
        """Raises `conflict`, and `invalid_request` without a mail server."""
        if wanted.addresses and self._mailer is None:
            raise Problem("invalid_request", NO_SMTP, path="$.addresses")
        for number, address in enumerate(wanted.addresses):
            if not _ADDRESS.fullmatch(address):
                said = f"{address!r} is not an email address."
                raise Problem("invalid_request", said, path=f"$.addresses[{number}]")
        return self._email_answer(await self._rules.change_emails(site_id, wanted))

    def _email_answer(self, notices: SiteNotices) -> EmailAnswer:
        return EmailAnswer(
            list(notices.emails),
            list(notices.email_events),
            notices.email_version,
            is_available=self._mailer is not None,
        )

    async def deliveries(self, site_id: str) -> list[NoticeDelivery]:
        """Up to a hundred that wait or are given up, then those that were delivered lately."""
        waiting = [await self._outbox.get(name) for name in islice(await self._outbox.names(site_id), SHOWN)]
        found = [_listed(entry) for entry in waiting if entry is not None]
        found.sort(key=lambda delivery: -delivery.created_at)
        return [*found, *await self._history.read(site_id)][: 2 * SHOWN]

    async def retry(self, site_id: str, delivery_id: str) -> NoticeDelivery:
        """Try a notice again at once, for as long as a new one. Raises `not_found` when it does not wait."""
        for name in await self._outbox.names(site_id):
            if name.delivery_id == delivery_id and (waiting := await self._outbox.get(name)) is not None:
                now = now_ms()
                again = Notice(waiting.notice.at, waiting.notice.data, now)
                await self._outbox.replace(waiting, again)
                self._sender.look_again()
                await self._tell(NOTICES, {"again": True})
                return described(name, again, "waiting")
        raise Problem("not_found", "There is no such notice that waits; one that was delivered is not kept.")


def _listed(waiting: Waiting) -> NoticeDelivery:
    return described(waiting.name, waiting.notice, "failed" if waiting.notice.given_up else "waiting")


def _mailer(settings: Settings, smtp: SmtpSettings) -> Mailer:
    names = {site.id: site.name for site in settings.sites}
    return Mailer(smtp, names, f"{settings.server.public_url.rstrip('/')}/dashboard")
