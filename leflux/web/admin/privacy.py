"""A site's privacy rules, and what a new retention rule would delete."""

from msgspec import Struct

from leflux.policies import DAY_MS, Days, Privacy, changes
from leflux.web.admin.base import AdminHandler, now_ms


class Preview(Struct, rename="camel"):
    log_retention_days: Days | None


class PrivacyHandler(AdminHandler):
    async def get(self, site_id: str) -> None:
        self.answer(await self.desk.policies.privacy(self.site(site_id).id))

    async def put(self, site_id: str) -> None:
        site = self.site(site_id)
        wanted = self.numbers_body(Privacy)
        before = await self.desk.policies.privacy(site.id)
        after = await self.desk.policies.change(site.id, wanted)
        await self.desk.rules_changed()
        await self.desk.audit(self.owner, site.id, "privacy.changed", **changes(before, after))
        self.answer(after)


class PreviewHandler(AdminHandler):
    """`{sessions, messages}` that the rule would delete now; null keeps everything."""

    async def post(self, site_id: str) -> None:
        site = self.site(site_id)
        days = self.numbers_body(Preview).log_retention_days
        if days is None:
            self.answer({"sessions": 0, "messages": 0})
            return
        self.answer(await self.desk.storage.log.count_older(site.id, now_ms() - days * DAY_MS))
