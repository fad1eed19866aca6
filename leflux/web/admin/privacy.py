"""A site's privacy rules, and what a new retention rule would delete."""

from msgspec import Struct

from leflux.owner.rules import DAY_MS, Days, PrivacySettings, changes
from leflux.web.admin.base import AdminHandler, now_ms


class Preview(Struct, rename="camel"):
    log_retention_days: Days | None


class PrivacyHandler(AdminHandler):
    async def get(self, site_id: str) -> None:
        self.answer(await self.dependencies.policies.privacy(self.site(site_id).id))

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        wanted = self.numbers_body(PrivacySettings)
        before = await self.dependencies.policies.privacy(site.id)
        after = await self.dependencies.policies.change(site.id, wanted)
        await self.dependencies.rules_changed()
        await self.dependencies.audit(self.account, site.id, "privacy.changed", **changes(before, after))
        self.answer(after)


class PreviewHandler(AdminHandler):
    """`{sessions, messages}` that the rule would delete now; null keeps everything."""

    async def post(self, site_id: str) -> None:
        site = self.site(site_id)
        days = self.numbers_body(Preview).log_retention_days
        if days is None:
            self.answer({"sessions": 0, "messages": 0})
            return
        self.answer(await self.dependencies.storage.log.count_older(site.id, now_ms() - days * DAY_MS))
