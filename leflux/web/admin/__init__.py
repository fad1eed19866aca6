"""The owner's API, described in docs/openapi.yaml and used by the dashboard."""

from typing import Any

from leflux.web.admin import (
    account,
    analytics,
    audit,
    crawl,
    export,
    installation,
    login,
    persons,
    privacy,
    sessions,
    sites,
    unanswered,
    webhooks,
)
from leflux.web.admin.base import AdminHandler
from leflux.web.admin.dependencies import AdminDependencies

SITE = r"/api/admin/sites/([^/]+)"


def routes(body_cap: int, dependencies: AdminDependencies) -> list[Any]:
    """Every call of the API."""
    arguments = {"body_cap": body_cap, "dependencies": dependencies}
    calls: list[tuple[str, type[AdminHandler]]] = [
        (r"/api/admin/login", login.LoginHandler),
        (r"/api/admin/logout", login.LogoutHandler),
        (r"/api/admin/me", login.MeHandler),
        (r"/api/admin/password", account.PasswordHandler),
        (r"/api/admin/logins", account.SignInsHandler),
        (r"/api/admin/logins/([^/]+)", account.SignInHandler),
        (r"/api/admin/tokens", account.TokensHandler),
        (r"/api/admin/tokens/([^/]+)", account.TokenHandler),
        (r"/api/admin/accounts", account.AccountsHandler),
        (r"/api/admin/accounts/([^/]+)", account.AccountHandler),
        (r"/api/admin/sites", sites.SitesHandler),
        (rf"{SITE}/settings", sites.SettingsHandler),
        (rf"{SITE}/playbook", sites.PlaybookHandler),
        (rf"{SITE}/privacy", privacy.PrivacyHandler),
        (rf"{SITE}/privacy/preview", privacy.PreviewHandler),
        (rf"{SITE}/sessions", sessions.SessionsHandler),
        (rf"{SITE}/sessions/delete", sessions.DeleteHandler),
        (rf"{SITE}/sessions/([^/]+)", sessions.SessionHandler),
        (rf"{SITE}/sessions/([^/]+)/take", persons.TakeHandler),
        (rf"{SITE}/sessions/([^/]+)/say", persons.SayHandler),
        (rf"{SITE}/sessions/([^/]+)/release", persons.ReleaseHandler),
        (rf"{SITE}/export", export.ExportHandler),
        (rf"{SITE}/analytics", analytics.AnalyticsHandler),
        (rf"{SITE}/crawl", crawl.CrawlHandler),
        (rf"{SITE}/unanswered", unanswered.UnansweredHandler),
        (rf"{SITE}/answers", unanswered.AnswersHandler),
        (rf"{SITE}/audit", audit.AuditHandler),
        (rf"{SITE}/check", installation.CheckHandler),
        (rf"{SITE}/turned-away", installation.TurnedAwayHandler),
        (rf"{SITE}/email", webhooks.EmailHandler),
        (rf"{SITE}/webhooks", webhooks.WebhooksHandler),
        (rf"{SITE}/webhooks/deliveries", webhooks.DeliveriesHandler),
        (rf"{SITE}/webhooks/deliveries/([^/]+)/retry", webhooks.RetryHandler),
    ]
    return [(path, handler, arguments) for path, handler in calls]
