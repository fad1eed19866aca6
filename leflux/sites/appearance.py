"""What the widget takes from a site: its texts, its colour, and how it opens."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Short = Annotated[str, Meta(max_length=120)]
Chip = Annotated[str, Meta(min_length=1, max_length=120)]
Colour = Annotated[
    str,
    Meta(
        pattern=r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})\Z",
        description='a colour as #rgb or #rrggbb in quotes, such as "#5b4bdb"',
    ),
]


class Appearance(Struct, rename="camel", omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """What the widget takes from an owner. What is left out is the chat's own default."""

    title: Short | UnsetType = UNSET
    subtitle: Short | UnsetType = UNSET
    greeting: Annotated[str, Meta(max_length=1_000)] | UnsetType = UNSET
    primary_color: Colour | UnsetType = UNSET
    position: Literal["right", "left"] | UnsetType = UNSET
    theme: Literal["auto", "light", "dark"] | UnsetType = UNSET
    chips: Annotated[list[Chip], Meta(max_length=8, description="a list of at most 8 texts")] | UnsetType = UNSET
    launcher_label: Short | UnsetType = UNSET
    placeholder: Short | UnsetType = UNSET
    hide_launcher: bool | UnsetType = UNSET
