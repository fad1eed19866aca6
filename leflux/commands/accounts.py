"""The commands for owners' accounts: make, list and remove them, and what signs in to them."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from backends.base import Storage
from backends.errors import StorageError
from backends.records import AuditEntry
from leflux.commands.log import ACTOR, EXIT_FAILED, EXIT_USAGE, failed, opened
from leflux.common.durations import Duration
from leflux.config import Settings
from leflux.owner import passwords
from leflux.owner.accounts import EVERY_SITE, Account, Accounts, checked_email
from leflux.owner.passwords import new_password

TOKEN_LIFETIME = "365d"  # noqa: S105 - a duration
NEVER = "never"


class Administration:
    """The accounts of one store; what is changed is written into the audit trails."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._sites = [site.id for site in settings.sites]
        self._storage = storage
        self.accounts = Accounts(storage.settings)

    async def account(self, email: str) -> Account:
        """Raises `LookupError` when there is none."""
        found = await self.accounts.get(checked_email(email))
        if found is None:
            raise LookupError(f"there is no account {email!r}")
        return Account(found.email, found.sites)

    async def audit(self, account: Account, action: str, **details: str | int) -> None:
        for site_id in filter(account.may_see, self._sites):
            entry = AuditEntry(ACTOR, f"account.{action}", {"account": account.email, **details})
            await self._storage.settings.audit(site_id, entry)

    def check_sites(self, sites: Sequence[str]) -> None:
        """Raises `ValueError` for a site that the configuration does not have."""
        if unknown := [site for site in sites if site not in self._sites]:
            known = ", ".join(sorted(self._sites))
            raise ValueError(f"There is no site {unknown[0]!r}; the configuration knows: {known}.")


async def create_admin(admin: Administration, options: argparse.Namespace) -> None:
    """Make an account, or give it a new password or a token. An account keeps its sites unless others are named."""
    admin.check_sites(options.site)
    sites = [EVERY_SITE] if options.all_sites else options.site or None
    is_new = await admin.accounts.get(checked_email(options.email)) is None
    if options.token:
        await _create_token(admin, options, sites, is_new)
        return
    password = given_password()
    await admin.accounts.set_account(options.email, sites, password)
    account = await admin.account(options.email)
    await admin.audit(account, "created" if is_new else "changed", sites=", ".join(account.sites))
    print(f"{account.email}\n{password}")


async def _create_token(
    admin: Administration, options: argparse.Namespace, sites: list[str] | None, is_new: bool
) -> None:
    if is_new:
        await admin.accounts.set_account(options.email, sites, None)
    scope = None if options.all_sites or not options.site else options.site
    lifetime = None if options.expires == NEVER else float(Duration.parse(options.expires))
    secret = await admin.accounts.add_token(options.email, options.name, scope, lifetime)
    account = await admin.account(options.email)
    if is_new:
        await admin.audit(account, "created", sites=", ".join(account.sites))
    await admin.audit(account, "token_created", name=options.name)
    print(secret)


async def set_password(admin: Administration, options: argparse.Namespace) -> None:
    """Give an account a new password, which ends its sign-ins."""
    account, password = await admin.account(options.email), given_password()
    await admin.accounts.set_account(account.email, None, password)
    revoked = await admin.accounts.tokens.revoke_all(account.email) if options.revoke_tokens else 0
    await admin.audit(account, "password_changed", tokens=revoked)
    print(f"{account.email}\n{password}")


async def remove_admin(admin: Administration, options: argparse.Namespace) -> None:
    """Remove an account with its tokens and sign-ins."""
    account = await admin.account(options.email)
    await admin.accounts.remove(account.email)
    await admin.audit(account, "removed")
    print(f"{account.email}: removed.")


async def list_accounts(admin: Administration, _: argparse.Namespace) -> None:
    """Print the accounts: email, sites."""
    for entry in await admin.accounts.all():
        _row(entry.document.email, ", ".join(entry.document.sites))


async def list_tokens(admin: Administration, options: argparse.Namespace) -> None:
    """Print an account's tokens, or revoke one: id, name, sites, created, last used, expires."""
    account = await admin.account(options.email)
    entries = await admin.accounts.tokens.of(account.email)
    if options.revoke is not None:
        for entry in _chosen(entries, options.revoke):
            await admin.accounts.tokens.revoke(entry)
            await admin.audit(account, "token_revoked", token=entry.id, name=entry.document.name)
            print(f"{entry.id}: revoked.")
        return
    for entry in entries:
        token = entry.document
        times = [_moment(token.created), _moment(token.seen), _moment(token.expires)]
        _row(entry.id, token.name, ", ".join(token.sites or account.sites), *times)


async def list_sign_ins(admin: Administration, options: argparse.Namespace) -> None:
    """Print an account's sign-ins, or end one: id, since, last seen, address, browser."""
    account = await admin.account(options.email)
    entries = await admin.accounts.sign_ins.of(account.email)
    if options.end is not None:
        for entry in _chosen(entries, options.end):
            await admin.accounts.sign_ins.end(entry)
            await admin.audit(account, "sign_in_ended", signIn=entry.id)
            print(f"{entry.id}: ended.")
        return
    for entry in entries:
        sign_in = entry.document
        _row(entry.id, _moment(sign_in.started), _moment(sign_in.seen), sign_in.address, sign_in.agent)


COMMANDS: dict[str, Callable[[Administration, argparse.Namespace], Awaitable[None]]] = {
    "create-admin": create_admin,
    "set-password": set_password,
    "remove-admin": remove_admin,
    "accounts": list_accounts,
    "tokens": list_tokens,
    "logins": list_sign_ins,
}


def add_commands(commands: Any) -> None:
    """Declare the commands to `argparse`."""
    creating = commands.add_parser("create-admin", help="make an owner's account, or give it a new password or token")
    creating.add_argument("email", metavar="EMAIL", help="the password comes from standard input, or is made up")
    creating.add_argument("--token", action="store_true", help="make an API token instead, and print it once")
    sites = creating.add_mutually_exclusive_group()
    sites.add_argument("--site", action="append", default=[], metavar="SITE", help="a site that it may see")
    sites.add_argument("--all-sites", action="store_true", help="may see every site, also later ones")
    creating.add_argument("--name", default="", help="of the token")
    creating.add_argument("--expires", default=TOKEN_LIFETIME, help=f"of the token: 90d or never; {TOKEN_LIFETIME}")
    changing = commands.add_parser("set-password", help="give an account a new password, which ends its sign-ins")
    changing.add_argument("email", metavar="EMAIL", help="the password comes from standard input, or is made up")
    changing.add_argument("--revoke-tokens", action="store_true", help="end its API tokens, too")
    removing = commands.add_parser("remove-admin", help="remove an account with its tokens and sign-ins")
    removing.add_argument("email", metavar="EMAIL")
    commands.add_parser("accounts", help="list the accounts")
    tokens = commands.add_parser("tokens", help="list an account's API tokens, or revoke one")
    tokens.add_argument("email", metavar="EMAIL")
    tokens.add_argument("--revoke", metavar="ID", help="the token's id, or all")
    logins = commands.add_parser("logins", help="list an account's sign-ins, or end one")
    logins.add_argument("email", metavar="EMAIL")
    logins.add_argument("--end", metavar="ID", help="the sign-in's id, or all")


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run one of `COMMANDS`. Returns 0; 1 when the store failed or there is no such thing; 2 for a wrong call.

    Raises `StoreMisconfigured`.
    """
    if not settings.storage.store.durable:
        place = f"With {settings.storage.backend} as storage, accounts live in the serving process only"
        print(f"{place}, which makes one.", file=sys.stderr)
        return EXIT_USAGE
    try:
        async with opened(settings) as storage:
            await COMMANDS[options.command](Administration(settings, storage), options)
    except ValueError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return EXIT_USAGE
    except LookupError as error:
        print(f"{options.command}: {error.args[0]}", file=sys.stderr)
        return EXIT_FAILED
    except StorageError as error:
        return failed(options.command, error)
    return 0


def given_password() -> str:
    """The first line of standard input; a fresh password on a terminal."""
    if sys.stdin.isatty():
        return new_password()
    return sys.stdin.readline(passwords.LONGEST + 2).rstrip("\r\n")


def _chosen(entries: list[Any], wanted: str) -> list[Any]:
    """The entries with this id, or all of them. Raises `LookupError` when there is none with it."""
    chosen = entries if wanted == "all" else [entry for entry in entries if entry.id == wanted]
    if not chosen and wanted != "all":
        raise LookupError(f"there is no {wanted!r}")
    return chosen


def _row(*cells: str) -> None:
    print("\t".join(cells))


def _moment(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
