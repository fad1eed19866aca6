"""The signed-in account: its password, sign-ins and tokens, and the accounts that it may remove."""

from msgspec import Struct

from leflux.owner.accounts import EVERY_SITE, Account, StoredAccount
from leflux.owner.credentials import SignIn, Token
from leflux.owner.hashed_documents import HashedDocument
from leflux.protocol import Problem
from leflux.protocol.owner_api import AccountSummary, ApiToken, Login
from leflux.web.admin.base import AdminHandler
from leflux.web.admin.login import BrowserHandler, Password, described


class PasswordRequest(Struct, rename="camel"):
    current_password: Password
    new_password: Password
    revoke_tokens: bool = False


class PasswordHandler(BrowserHandler):
    """Sets a new password, which ends every sign-in; this browser gets a fresh one."""

    needs_whole_account = True

    async def post(self) -> None:
        request, account, accounts = self.json_body(PasswordRequest), self.account, self.dependencies.accounts
        passwords = request.current_password, request.new_password
        try:
            await self.guess(account.email, lambda: accounts.change_password(account.email, *passwords))
        except Problem as problem:
            # 401 would say that the sign-in has ended.
            raise (_wrong_password() if problem.code == "unauthorized" else problem) from None
        revoked = await accounts.tokens.revoke_all(account.email) if request.revoke_tokens else 0
        await self.dependencies.audit_account(account, "account.password_changed", tokens=revoked)
        if account.csrf is not None:
            secret, account = await accounts.renew(account.email, self.address, self.agent)
            await self.set_cookies(secret, account.email)
        self.answer(described(account))


def _wrong_password() -> Problem:
    return Problem("forbidden", "The current password is not right.", path="$.currentPassword")


class SignInsHandler(AdminHandler):
    """`{logins: [{id, since, lastSeen, address, agent, current}]}`, newest first."""

    needs_whole_account = True

    async def get(self) -> None:
        entries = await self.dependencies.accounts.sign_ins.of(self.account.email)
        self.answer({"logins": [_sign_in(entry, self.account) for entry in entries]})


class SignInHandler(AdminHandler):
    needs_whole_account = True

    async def delete(self, sign_in_id: str) -> None:
        sign_ins = self.dependencies.accounts.sign_ins
        entry = next((entry for entry in await sign_ins.of(self.account.email) if entry.id == sign_in_id), None)
        if entry is None:
            raise Problem("not_found", "There is no such sign-in.")
        await sign_ins.end(entry)
        await self.dependencies.audit_account(self.account, "account.sign_in_ended", signIn=entry.id)
        self.answer({"ended": True})


class TokensHandler(AdminHandler):
    """`{tokens: [{id, name, sites, createdAt, lastUsed, expiresAt}]}`, newest first. A scoped token sees itself."""

    async def get(self) -> None:
        entries = await _tokens(self)
        stored = await self.dependencies.accounts.get(self.account.email)
        sites = stored.sites if stored is not None else ()
        self.answer({"tokens": [_token(entry, sites) for entry in entries]})


class TokenHandler(AdminHandler):
    async def delete(self, token_id: str) -> None:
        entry = next((entry for entry in await _tokens(self) if entry.id == token_id), None)
        if entry is None:
            raise Problem("not_found", "There is no such token.")
        await self.dependencies.accounts.tokens.revoke(entry)
        name = entry.document.name
        await self.dependencies.audit_account(self.account, "account.token_revoked", token=entry.id, name=name)
        self.answer({"revoked": True})


async def _tokens(handler: AdminHandler) -> list[HashedDocument[Token]]:
    entries = await handler.dependencies.accounts.tokens.of(handler.account.email)
    return [entry for entry in entries if not handler.account.is_scoped or entry.id == handler.account.credential]


class AccountsHandler(AdminHandler):
    """`{accounts: [{id, email, sites, isYou}]}`: all of them for an account that sees every site, else its own."""

    needs_whole_account = True

    async def get(self) -> None:
        entries = await _accounts(self)
        self.answer({"accounts": [_account(entry, self.account) for entry in entries]})


class AccountHandler(AdminHandler):
    needs_whole_account = True

    async def delete(self, account_id: str) -> None:
        entries = await _accounts(self)
        entry = next((entry for entry in entries if entry.id == account_id), None)
        if entry is None:
            raise Problem("not_found", "There is no such account.")
        found = entry.document
        everywhere = [each for each in entries if EVERY_SITE in each.document.sites]
        if EVERY_SITE in found.sites and len(everywhere) == 1:
            raise Problem("conflict", "This is the last account that sees every site.")
        await self.dependencies.accounts.remove(found.email)
        about = Account(found.email, found.sites)
        await self.dependencies.audit_account(self.account, "account.removed", about, account=found.email)
        self.answer({"removed": True})


async def _accounts(handler: AdminHandler) -> list[HashedDocument[StoredAccount]]:
    entries = await handler.dependencies.accounts.all()
    sees_all = EVERY_SITE in handler.account.sites
    return [entry for entry in entries if sees_all or entry.document.email == handler.account.email]


def _account(entry: HashedDocument[StoredAccount], caller: Account) -> AccountSummary:
    account = entry.document
    return AccountSummary(entry.id, account.email, list(account.sites), account.email == caller.email)


def _token(entry: HashedDocument[Token], account_sites: tuple[str, ...]) -> ApiToken:
    token = entry.document
    return ApiToken(
        id=entry.id,
        name=token.name,
        sites=list(account_sites if token.sites is None else token.sites),
        created_at=_ms(token.created),
        last_used=None if token.seen is None else _ms(token.seen),
        expires_at=None if token.expires is None else _ms(token.expires),
    )


def _sign_in(entry: HashedDocument[SignIn], caller: Account) -> Login:
    sign_in = entry.document
    return Login(
        id=entry.id,
        since=_ms(sign_in.started),
        last_seen=_ms(sign_in.seen),
        address=sign_in.address,
        agent=sign_in.agent,
        current=entry.id == caller.credential,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
