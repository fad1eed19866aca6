"""Who changed or deleted what, and when."""

from leflux.web.admin.base import AdminHandler

SHOWN, MOST_SHOWN = 100, 500


class AuditHandler(AdminHandler):
    """`{entries: [{actor, action, details, ts}]}`, newest first, with `ts < before` when that is given."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        limit = self.count("limit", SHOWN, MOST_SHOWN)
        entries = await self.desk.storage.settings.audit_trail(site.id, limit, self.number("before", None))
        self.answer({"entries": entries})
