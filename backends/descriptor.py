"""What a store declares about itself. Everything that depends on the kind of a store asks this, never its name."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends.base import Storage
from backends.schema import Migration


class StoreDescriptor(Struct, frozen=True):
    """`options`: the struct of the store's own YAML section; every field has a default, unknown keys are errors.
    A field may be `Annotated` with `Meta(extra={"check": function})`, where the function raises `ValueError` with what
    was expected. It is called with the value when the configuration is read.

    `open(options, deadline, log_shares_store)` returns the storage. It raises `StoreMisconfigured` for options that
    can never work and `StoreUnavailable` when the store does not answer now. It imports the driver.
    `durable`: data outlives the process, and a command may open the store beside the server.
    `shared`: several server processes may use it at one time.
    `log`, `settings`: it keeps a permanent log, or the owner's settings. A store without them serves only as
    `storage` beside a `message_log`, or only as `message_log`.
    `back_up(options, target)` copies it as of one moment to a file, beside a server that writes. `restore(options,
    source)` puts such a file in its place, and returns how many erased conversations it has erased again. None: the
    store has tools of its own. Both raise `StoreMisconfigured`.
    `diagnose(options, deadline)` returns what an operator should mend, such as settings by which the store may lose
    what it has acknowledged. Raises as `open` does. None: there is nothing to look at.
    `migrations` lead from each version of the stored data to the next: `backends.schema`. None: `open` sees to that.
    """

    options: type[Struct]
    open: Callable[[Any, float, bool], Awaitable[Storage]]
    durable: bool = True
    shared: bool = True
    log: bool = True
    settings: bool = True
    back_up: Callable[[Any, Path], None] | None = None
    restore: Callable[[Any, Path], Awaitable[int]] | None = None
    diagnose: Callable[[Any, float], Awaitable[list[str]]] | None = None
    migrations: Sequence[Migration] | None = None
