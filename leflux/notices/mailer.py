"""Sends a notice as an email, by the standard library in threads of its own."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate

from leflux.config import SmtpSettings
from leflux.notices.outbox import Notice, NoticeName
from leflux.notices.webhook_client import Failure
from leflux.owner.notice_rules import Endpoint

THREADS = 2
TEXT_CHARS = 2_000
SUBJECTS = {
    "person.asked": "A visitor of {site} asks for a person",
    "address.left": "A visitor of {site} has left an address",
}
KNOWN = {"name": "Name", "email": "Email", "phone": "Phone", "address": "Address", "text": "They wrote"}
"""The members of an event's data that an email shows."""


class Mailer:
    """`sites`: the names of the sites by id. `dashboard`: the address of the owner's pages."""

    def __init__(self, settings: SmtpSettings, sites: Mapping[str, str], dashboard: str) -> None:
        self._settings = settings
        self._sites = sites
        self._dashboard = dashboard
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="smtp")

    async def post(self, receiver: Endpoint, name: NoticeName, notice: Notice) -> Failure | None:
        """One attempt; None when the server has accepted the email for at least one address."""
        try:
            message = self._message(receiver, name, notice)
            async with asyncio.timeout(2 * self._settings.timeout):
                await asyncio.get_running_loop().run_in_executor(self._threads, self._send, message)
        except TimeoutError:
            return Failure("the mail server did not answer in time")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Failure(f"{type(error).__name__}: {error}"[:200])
        return None

    def _message(self, receiver: Endpoint, name: NoticeName, notice: Notice) -> EmailMessage:
        site = " ".join(self._sites.get(name.site_id, name.site_id).split())
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = receiver.url.removeprefix("mailto:").replace(",", ", ")
        message["Subject"] = SUBJECTS[name.event].format(site=site)
        message["Date"] = formatdate(notice.at / 1000)
        # The same for every attempt: a mail program shows a repeated email once.
        message["Message-ID"] = f"<{name.webhook_id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        lines = [SUBJECTS[name.event].format(site=site) + "."]
        for key, title in KNOWN.items():
            if isinstance(said := notice.data.get(key), str):
                lines.append(f"{title}: {said[:TEXT_CHARS]}")
        lines.append(f"{self._dashboard}/{name.site_id}/conversations/{name.conversation_id}")
        message.set_content("\n\n".join(lines) + "\n")
        return message

    def _send(self, message: EmailMessage) -> None:
        settings, context = self._settings, ssl.create_default_context()
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.username is not None:
                server.login(settings.username, settings.password or "")
            server.send_message(message)

    def close(self) -> None:
        """Threads that still wait for the server end with its deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)
