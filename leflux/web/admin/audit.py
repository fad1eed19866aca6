"""The audit trail of a site."""

from typing import Any

from backends.records import AuditEntry
from leflux.chat.conversation_ids import ConversationIds, is_session_id
from leflux.web.admin.base import AdminHandler

SHOWN, MOST_SHOWN = 100, 500


class AuditHandler(AdminHandler):
    """`{entries: [{actor, action, details, ts}]}`, newest first, with `ts < before` when that is given."""

    async def get(self, site_id: str) -> None:
        site, ids = self.site(site_id), await self.conversation_ids()
        limit = self.count("limit", SHOWN, MOST_SHOWN)
        entries = await self.dependencies.storage.settings.audit_trail(site.id, limit, self.number("before", None))
        self.answer({"entries": [_shown(entry, ids) for entry in entries]})


def _shown(entry: AuditEntry, ids: ConversationIds) -> dict[str, Any]:
    """The entry without session ids, which trails of earlier versions hold."""
    details: dict[str, Any] = {}
    for name, value in entry.details.items():
        if isinstance(value, str) and is_session_id(value):
            details["conversationId" if name == "sessionId" else name] = ids.of(value)
        else:
            details[name] = value
    return {"actor": entry.actor, "action": entry.action, "details": details, "ts": entry.ts}
