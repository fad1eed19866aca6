"""`run.py create-admin EMAIL`: makes an owner's account, or gives it a new password or an API token."""

import sys
from collections.abc import Sequence

from backends.errors import StorageError
from leflux.commands.log import EXIT_USAGE, failed, opened
from leflux.config import Settings
from leflux.owners import EVERY_SITE, LONGEST_PASSWORD, Owners, new_password


async def create_admin(settings: Settings, email: str, sites: Sequence[str], wants_token: bool) -> int:
    """Prints the secret once; returns the exit code: 0 well, 1 the store failed, 2 a wrong call.

    A password comes from standard input, or is made up when that is a terminal. Raises `StoreMisconfigured`.
    """
    if settings.storage.backend == "memory":
        print("With memory as storage, accounts live in the serving process only, which makes one.", file=sys.stderr)
        return EXIT_USAGE
    known = {site.id for site in settings.sites}
    if unknown := [site for site in sites if site not in known]:
        print(f"There is no site {unknown[0]!r}; the configuration knows: {', '.join(sorted(known))}.", file=sys.stderr)
        return EXIT_USAGE
    password = None if wants_token else given_password()
    try:
        async with opened(settings) as storage:
            print(await _made(Owners(storage.settings), email, list(sites) or None, password))
    except ValueError as error:
        print(f"create-admin: {error}", file=sys.stderr)
        return EXIT_USAGE
    except StorageError as error:
        return failed("create-admin", error)
    return 0


async def _made(owners: Owners, email: str, sites: list[str] | None, password: str | None) -> str:
    is_new = not await owners.has_account(email)
    if password is None:
        if is_new or sites is not None:
            await owners.set_account(email, sites or [EVERY_SITE], None)
        return await owners.add_token(email)
    await owners.set_account(email, sites or [EVERY_SITE], password)
    return f"{email}\n{password}"


def given_password() -> str:
    """The first line of standard input; a fresh password on a terminal."""
    if sys.stdin.isatty():
        return new_password()
    return sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")
