"""The owner's API (PROTOCOL §7), which the dashboard is built on."""

from typing import Any

from leflux.web.admin import analytics, audit, crawl, export, login, privacy, sessions, sites
from leflux.web.admin.base import AdminHandler
from leflux.web.admin.desk import Desk

SITE = r"/api/admin/sites/([^/]+)"


def routes(body_cap: int, desk: Desk) -> list[Any]:
    """Every call of the API."""
    arguments = {"body_cap": body_cap, "desk": desk}
    calls: list[tuple[str, type[AdminHandler]]] = [
        (r"/api/admin/login", login.LoginHandler),
        (r"/api/admin/logout", login.LogoutHandler),
        (r"/api/admin/me", login.MeHandler),
        (r"/api/admin/sites", sites.SitesHandler),
        (rf"{SITE}/settings", sites.SettingsHandler),
        (rf"{SITE}/playbook", sites.PlaybookHandler),
        (rf"{SITE}/privacy", privacy.PrivacyHandler),
        (rf"{SITE}/privacy/preview", privacy.PreviewHandler),
        (rf"{SITE}/sessions", sessions.SessionsHandler),
        (rf"{SITE}/sessions/delete", sessions.DeleteHandler),
        (rf"{SITE}/sessions/([^/]+)", sessions.SessionHandler),
        (rf"{SITE}/export", export.ExportHandler),
        (rf"{SITE}/analytics", analytics.AnalyticsHandler),
        (rf"{SITE}/crawl", crawl.CrawlHandler),
        (rf"{SITE}/audit", audit.AuditHandler),
    ]
    return [(path, handler, arguments) for path, handler in calls]
