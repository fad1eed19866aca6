"""What the widget may tell the server of a site's pages."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

QueryName = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_.\[\]-]{1,40}\Z", description="the name of a query value, such as utm_source"),
]


class PageContext(Struct, omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """`read`: `message` describes a page once its visitor has said something on it, `view` at each page view, `never`
    not at all. `query`: the query values that its address keeps; the others are replaced by marks.
    """

    read: Literal["message", "view", "never"] = "message"
    query: Annotated[list[QueryName], Meta(max_length=20, description="a list of at most 20 names")] = []
