"""Writes the TypeScript types of the protocol: `python -m tests.house.typescript`.

The structs of the server are the one source. `python -m tests.house` fails when a written file is stale.
"""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import msgspec
import msgspec.inspect as types
from msgspec import Struct

from backends.records import AuditEntry, LogCount, Role
from leflux import protocol
from leflux.agents.playbook.reader import TaskEntry
from leflux.crawling.site_check import SiteCheck
from leflux.notices.history import NoticeDelivery
from leflux.notices.service import EmailAnswer, WebhooksAnswer, WebhookView
from leflux.owner.appearance import SiteSettings
from leflux.owner.rules import PrivacySettings
from leflux.protocol import owner_api
from leflux.sites.appearance import Appearance
from leflux.sites.turned_away import TurnedAwayHost
from leflux.tasks.model import TaskState

ROOT = Path(__file__).parents[2]
HEADER = "// Generated from the server's structs by `python -m tests.house.typescript`. Do not edit.\n"
NAMES: dict[type, str] = {
    protocol.StoredMessage: "Message",
    protocol.ActionPlan: "Plan",
    protocol.ErrorBody: "Refusal",
    TaskState: "Task",
    Appearance: "SiteConfig",
    owner_api.SignedIn: "Owner",
    owner_api.SiteSummary: "Site",
    owner_api.AccountSummary: "Account",
    SiteSettings: "Settings",
    owner_api.SessionRows: "SessionPage",
    owner_api.ErasureAnswer: "Erasure",
    owner_api.DayAnswer: "Day",
    owner_api.AnalyticsAnswer: "Analytics",
    owner_api.CrawlAnswer: "Crawl",
    owner_api.UnansweredAnswer: "Unanswered",
    owner_api.OwnerAnswerList: "OwnerAnswers",
    PrivacySettings: "Privacy",
    TaskEntry: "PlaybookTask",
    WebhooksAnswer: "Webhooks",
    WebhookView: "Webhook",
    NoticeDelivery: "Delivery",
    EmailAnswer: "Emails",
}
ALIASES: dict[str, Any] = {"Role": Role, "MessageKind": protocol.MessageKind}
PLAIN: dict[type[types.Type], str] = {
    types.StrType: "string",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.NoneType: "null",
    types.AnyType: "unknown",
    types.RawType: "unknown",
}


class TypeWriter:
    """Collects the interfaces that a file needs, each with those that its fields name."""

    def __init__(self) -> None:
        self._written: dict[str, str] = {}

    def add(self, kinds: Iterable[type], requests: bool = False) -> None:
        """`requests`: the client sends these, so a field with a default may be left out."""
        for kind in kinds:
            self._struct(types.type_info(kind), requests)

    def add_events(self, name: str, events: dict[str, type], requests: bool = False) -> None:
        """An interface with the payload of every event."""
        self.add(events.values(), requests)
        lines = [f"  {event}: {_name(kind)};\n" for event, kind in events.items()]
        self._written[name] = f"export interface {name} {{\n{''.join(lines)}}}\n"

    def text(self) -> str:
        body = [self._written[name] for name in sorted(self._written)]
        aliases = [
            f"export type {name} = {_union(get_args(alias))};\n"
            for name, alias in ALIASES.items()
            if any(f" {name};" in part for part in body)
        ]
        return "\n".join([HEADER, *aliases, *body])

    def _struct(self, info: types.Type, requests: bool) -> str:
        assert isinstance(info, types.StructType)
        name = _name(info.cls)
        if name not in self._written:
            self._written[name] = ""
            fields = "".join(self._field(info.cls, field, requests) for field in info.fields)
            self._written[name] = f"{_comment(info.cls)}export interface {name} {{\n{fields}}}\n"
        return name

    def _field(self, cls: type[Struct], field: types.Field, requests: bool) -> str:
        has_default = (field.default, field.default_factory) != (msgspec.NODEFAULT, msgspec.NODEFAULT)
        is_unset = not field.required and not has_default
        is_optional = is_unset or (has_default and (requests or cls.__struct_config__.omit_defaults))
        described = self._type(field.type, requests)
        if has_default and field.default is None and is_optional:
            # A client leaves it out; the server never writes the default.
            described = described.removesuffix(" | null")
        return f"  {field.encode_name}{'?' if is_optional else ''}: {described};\n"

    def _type(self, info: types.Type, requests: bool) -> str:
        match info:
            case types.Metadata():
                named = (info.extra or {}).get("typescript")
                return named or self._type(info.type, requests)
            case types.StructType():
                return self._struct(info, requests)
            case types.LiteralType():
                return _literal(info.values)
            case types.UnionType():
                return " | ".join(self._type(member, requests) for member in info.types)
            case types.ListType() | types.VarTupleType():
                item = self._type(info.item_type, requests)
                return f"({item})[]" if " | " in item else f"{item}[]"
            case types.DictType():
                return f"Record<string, {self._type(info.value_type, requests)}>"
        return PLAIN[type(info)]


def _name(kind: type) -> str:
    return NAMES.get(kind, kind.__name__.lstrip("_"))


def _literal(values: tuple[Any, ...]) -> str:
    for name, alias in ALIASES.items():
        if set(get_args(alias)) == set(values):
            return name
    return _union(values)


def _union(values: tuple[Any, ...]) -> str:
    return " | ".join(msgspec.json.encode(value).decode() for value in values)


def _comment(kind: type[Struct]) -> str:
    text = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ").replace("None", "null")
    for field in msgspec.structs.fields(kind):
        text = text.replace(f"`{field.name}`", f"`{field.encode_name}`")
    return f"/** {text} */\n" if text else ""


def widget_types() -> str:
    writer = TypeWriter()
    writer.add_events("ClientEvents", protocol.CLIENT_EVENTS, requests=True)
    writer.add_events("ServerEvents", protocol.SERVER_EVENTS)
    bodies = [protocol.InitRequest, protocol.RestoreRequest, protocol.ChatRequest, protocol.TaskJournal]
    writer.add(bodies, requests=True)
    answers = [protocol.InitAnswer, protocol.RestoreAnswer, protocol.MessagePage, protocol.Chatted]
    writer.add([*answers, protocol.DeleteAnswer, TaskState, Appearance])
    return writer.text()


def dashboard_types() -> str:
    writer = TypeWriter()
    lists = [owner_api.SessionRows, owner_api.AnalyticsAnswer, owner_api.SiteSummary, TaskEntry, AuditEntry]
    writer.add([owner_api.SignedIn, owner_api.Transcript, owner_api.ErasureAnswer, owner_api.CrawlAnswer, *lists])
    writer.add([WebhooksAnswer, NoticeDelivery, EmailAnswer, SiteCheck, TurnedAwayHost])
    writer.add([owner_api.Login, owner_api.ApiToken, owner_api.AccountSummary, owner_api.UnansweredAnswer])
    writer.add([owner_api.OwnerAnswerList])
    writer.add([SiteSettings, PrivacySettings, LogCount, protocol.StoredMessage, TaskState])
    return writer.text()


FILES = {
    ROOT / "leflux/widget/src/protocol-types.ts": widget_types,
    ROOT / "leflux/dashboard/src/types.ts": dashboard_types,
}


def stale() -> list[str]:
    """The files that differ from what the structs say."""
    return [
        f"{path.relative_to(ROOT)} is stale: run python -m tests.house.typescript"
        for path, written in FILES.items()
        if not path.exists() or path.read_text() != written()
    ]


if __name__ == "__main__":
    for target, written in FILES.items():
        target.write_text(written())
