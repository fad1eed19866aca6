"""docs/openapi.yaml describes the answers with the same fields as the structs of the server."""

from typing import Any

import pytest
import yaml
from msgspec.structs import fields

from backends.records import AuditEntry
from leflux import protocol
from leflux.crawling.site_check import SiteCheck
from leflux.notices.history import NoticeDelivery
from leflux.notices.service import EmailAnswer, WebhooksAnswer, WebhookView
from leflux.owner.appearance import SiteSettings
from leflux.owner.notice_rules import EmailNotices, EndpointRequest, WebhooksRequest
from leflux.owner.rules import PrivacySettings
from leflux.protocol import owner_api
from leflux.sites.appearance import Appearance
from leflux.sites.turned_away import TurnedAwayHost
from tests.house.files import ROOT

SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["components"]["schemas"]
STRUCTS: dict[str, type] = {
    "Message": protocol.StoredMessage,
    "Stream": protocol.Stream,
    "Retention": protocol.Retention,
    "Limits": protocol.Limits,
    "InitRequest": protocol.InitRequest,
    "InitAnswer": protocol.InitAnswer,
    "RestoreRequest": protocol.RestoreRequest,
    "SessionInfo": protocol.SessionInfo,
    "MessagePage": protocol.MessagePage,
    "ChatRequest": protocol.ChatRequest,
    "Chatted": protocol.Chatted,
    "DeleteAnswer": protocol.DeleteAnswer,
    "Deleted": protocol.DeletedCounts,
    "Problem": protocol.ErrorBody,
    "Me": owner_api.SignedIn,
    "Site": owner_api.SiteSummary,
    "SessionRow": owner_api.SessionRow,
    "Transcript": owner_api.Transcript,
    "Receipt": owner_api.Receipt,
    "Restores": owner_api.RestoreCounts,
    "Analytics": owner_api.AnalyticsAnswer,
    "Crawl": owner_api.CrawlAnswer,
    "Privacy": PrivacySettings,
    "Appearance": Appearance,
    "SettingsRequest": SiteSettings,
    "AuditEntry": AuditEntry,
    "WebhooksRequest": WebhooksRequest,
    "WebhookRequest": EndpointRequest,
    "Webhooks": WebhooksAnswer,
    "Webhook": WebhookView,
    "Delivery": NoticeDelivery,
    "EmailNotices": EmailNotices,
    "SiteCheck": SiteCheck,
    "TurnedAwayHost": TurnedAwayHost,
    "EmailAnswer": EmailAnswer,
}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_schema_has_the_fields_of_its_struct(name: str) -> None:
    assert SCHEMAS[name]["properties"].keys() == {field.encode_name for field in fields(STRUCTS[name])}
