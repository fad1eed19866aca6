"""The answers of the owner's API (docs/openapi.yaml)."""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from leflux.protocol.answers import DeletedCounts
from leflux.protocol.messages import MessageJson, TaskJson


class SignedIn(Struct, rename="camel", frozen=True):
    """The account that is signed in. With an API token there is no `csrf_token`."""

    email: str
    sites: list[str]
    csrf_token: str | None


class Login(Struct, rename="camel", frozen=True):
    """A sign-in of the account. `current`: the one of this call."""

    id: str
    since: int
    last_seen: int
    address: str
    agent: str
    current: bool


class ApiToken(Struct, rename="camel", frozen=True):
    """An API token. `last_used` is None before the first use, `expires_at` for a token that does not expire."""

    id: str
    name: str
    sites: list[str]
    created_at: int
    last_used: int | None
    expires_at: int | None


class AccountSummary(Struct, rename="camel", frozen=True):
    """An account that the caller may remove."""

    id: str
    email: str
    sites: list[str]
    is_you: bool


class SiteSummary(Struct, rename="camel", frozen=True):
    """A site in the list of sites. `sessions24h` counts up to a thousand."""

    id: str
    name: str
    allowed_hosts: list[str]
    sessions24h: int
    snippet: str


class PersonRow(Struct, rename="camel", frozen=True):
    """Somebody of the site who has a conversation. `is_you`: the caller."""

    name: str
    since: int
    is_you: bool


class Taken(Struct, frozen=True):
    """The answer to a take-over."""

    person: PersonRow


class Said(Struct, rename="camel", frozen=True):
    """What a person has said is stored."""

    message_id: str
    seq: int


class SessionRow(Struct, rename="camel", frozen=True):
    """A conversation in a list. `waiting_since`: when the visitor said the last word; None when somebody else did.

    `last_text`: the newest message of a live conversation.
    """

    conversation_id: str
    started_at: int
    last_activity: int
    messages: int
    visitor_id: str | None
    first_text: str
    live: bool
    last_text: str | None
    waiting_since: int | None
    person: PersonRow | None


class SessionRows(Struct, rename="camel", frozen=True):
    """A page of a list."""

    sessions: list[SessionRow]
    next_cursor: str | None


class Transcript(Struct, rename="camel", frozen=True):
    """A conversation with a page of its messages. `more`: further messages follow."""

    conversation_id: str
    started_at: int
    last_activity: int
    visitor_id: str | None
    live: bool
    person: PersonRow | None
    messages: list[MessageJson]
    more: bool
    context: Raw | None
    tasks: list[TaskJson]
    continues: str | None
    continued_by: str | None


class Receipt(Struct, rename="camel", frozen=True):
    """What was erased of one conversation, and when."""

    conversation_id: str
    deleted_at: int
    counts: DeletedCounts


class ErasureAnswer(Struct, rename="camel", frozen=True):
    deleted: DeletedCounts
    receipt: Receipt
    success: bool = True


class RestoreCounts(Struct):
    full: int = 0
    partial: int = 0
    new: int = 0


class TaskCounts(Struct):
    done: int = 0
    resumed: int = 0
    aborted: int = 0


class DayAnswer(Struct, rename="camel", frozen=True):
    """The counts of one UTC day."""

    date: str
    sessions: int
    messages: int
    visitors: int
    restores: RestoreCounts
    tasks: TaskCounts


class RestoreTimes(Struct, frozen=True):
    """Percentiles in milliseconds; None without restores."""

    p50: float | None
    p95: float | None
    p99: float | None


class TopQuestion(Struct, frozen=True):
    text: str
    count: int


class AnalyticsAnswer(Struct, rename="camel", frozen=True):
    """The counts of a span of days.

    `hours`: visitor messages by the hour of the day (UTC). `duplicates`: messages that were sent again and stored once.
    `gaps`: how often a page had missed messages and read them later.
    """

    days: list[DayAnswer]
    restore_ms: RestoreTimes
    hours: list[int]
    top_questions: list[TopQuestion]
    duplicates: int
    gaps: int


class CrawlAnswer(Struct, frozen=True):
    """The progress of a site's newest crawl. `pages`: the number of pages that the agent answers from."""

    state: Literal["idle", "running", "done", "failed"]
    found: int
    done: int
    failed: int
    current: str | None
    pages: int
    start: str
    error: str | None


class UnansweredQuestion(Struct, rename="camel", frozen=True):
    """Questions with the same words that were not answered: the newest, and the conversation that it is in."""

    question: str
    count: int
    last_asked: int
    conversation_id: str


class UnansweredAnswer(Struct, rename="camel", frozen=True):
    questions: list[UnansweredQuestion]


class OwnerAnswer(Struct, rename="camel", frozen=True):
    """What the owner answers to a question: a text, a page of the site, or both."""

    question: Annotated[str, Meta(min_length=1, max_length=500)]
    text: Annotated[str, Meta(max_length=2_000)] = ""
    url: Annotated[str, Meta(max_length=2_000)] = ""


class OwnerAnswerList(Struct, rename="camel", frozen=True):
    """All of a site's. `version`: what a change names; 0 when there are none yet."""

    answers: Annotated[list[OwnerAnswer], Meta(max_length=200)]
    version: Annotated[int, Meta(ge=0)]
