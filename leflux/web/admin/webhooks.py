"""A site's webhooks and email addresses, and what was delivered to them."""

from leflux.owner.notice_rules import EmailNotices, WebhooksRequest
from leflux.web.admin.base import AdminHandler


class WebhooksHandler(AdminHandler):
    """`{endpoints, version}`; a PUT replaces them all, and its answer alone shows a new endpoint's secret."""

    async def get(self, site_id: str) -> None:
        self.answer(await self.dependencies.notices.webhooks(self.site(site_id).id))

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        after = await self.dependencies.notices.change(site.id, self.numbers_body(WebhooksRequest))
        await self.dependencies.rules_changed()
        urls = ", ".join(endpoint.url for endpoint in after.endpoints)
        await self.dependencies.audit(self.account, site.id, "webhooks.changed", version=after.version, urls=urls)
        self.answer(after)


class DeliveriesHandler(AdminHandler):
    """`{deliveries}`: what waits or is given up, then what was delivered lately."""

    async def get(self, site_id: str) -> None:
        self.answer({"deliveries": await self.dependencies.notices.deliveries(self.site(site_id).id)})


class RetryHandler(AdminHandler):
    """Sends a notice that waits or is given up again, at once."""

    async def post(self, site_id: str, delivery_id: str) -> None:
        site = self.site(site_id)
        delivery = await self.dependencies.notices.retry(site.id, delivery_id)
        await self.dependencies.audit(self.account, site.id, "delivery.retried", delivery=delivery.id)
        self.answer(delivery, 202)


class EmailHandler(AdminHandler):
    """`{addresses, events, version, isAvailable}`: who gets an email when a visitor needs a person."""

    async def get(self, site_id: str) -> None:
        self.answer(await self.dependencies.notices.emails(self.site(site_id).id))

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        after = await self.dependencies.notices.change_emails(site.id, self.numbers_body(EmailNotices))
        await self.dependencies.rules_changed()
        addresses = ", ".join(after.addresses)
        await self.dependencies.audit(
            self.account, site.id, "emails.changed", version=after.version, addresses=addresses
        )
        self.answer(after)
