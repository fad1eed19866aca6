"""The kinds of secrets that are hidden in what visitors say."""

from typing import Annotated, Literal

from msgspec import Meta

SecretKind = Literal["card", "token", "password"]
SecretKinds = Annotated[tuple[SecretKind, ...], Meta(max_length=3, description="a list of card, token and password")]
