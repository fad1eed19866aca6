"""Signing in and out."""

import asyncio
from typing import Annotated, Any

import structlog
from msgspec import Meta, Struct

from leflux.owner.access import DEVICE
from leflux.owner.accounts import Account
from leflux.owner.credentials import LONGEST
from leflux.owner.devices import LIFETIME
from leflux.owner.throttle import network
from leflux.protocol import Problem
from leflux.protocol.owner_api import SignedIn
from leflux.web.admin.base import AdminHandler

log = structlog.get_logger(__name__)

Password = Annotated[str, Meta(max_length=1024)]


class LoginRequest(Struct):
    email: Annotated[str, Meta(max_length=254)]
    password: Password


class BrowserHandler(AdminHandler):
    """Checks passwords behind the throttle, and gives the browser its cookies."""

    @property
    def address(self) -> str:
        return self.gate.address(self.request)

    @property
    def agent(self) -> str:
        return self.request.headers.get("User-Agent", "")

    async def guess(self, email: str, check: Any) -> Any:
        """What `check()` returns, which verifies a password of this account. Raises `rate_limited`."""
        throttle, devices = self.dependencies.throttle, self.dependencies.devices
        known = await devices.known(email, self.dependencies.access.device(self.request))
        device = throttle.device_in_budget(known)
        await asyncio.sleep(throttle.admit(self.address, email, device))
        async with throttle.hashing(device is not None):
            try:
                answer = await check()
            except Problem as problem:
                if problem.code == "unauthorized":
                    log.info("wrong password", address=network(self.address), known_device=known is not None)
                raise
        throttle.succeeded(self.address, email, device)
        return answer

    async def set_cookies(self, secret: str, email: str) -> None:
        """The sign-in, and the note that this browser has signed in."""
        devices, name = self.dependencies.devices, self.cookie_name()
        known = await devices.known(email, self.dependencies.access.device(self.request))
        self.set_cookie(name, secret, max_age=round(LONGEST), **self._attributes())
        self.set_cookie(name + DEVICE, await devices.cookie(email, known), max_age=LIFETIME, **self._attributes())

    def _attributes(self) -> dict[str, Any]:
        return {"path": "/", "httponly": True, "samesite": "Strict", "secure": self.is_secure()}


class LoginHandler(BrowserHandler):
    """Gives the browser a fresh cookie, whatever it had before."""

    needs_account = False

    async def post(self) -> None:
        request, accounts = self.json_body(LoginRequest), self.dependencies.accounts
        email = request.email.strip().lower()
        secret, account = await self.guess(
            email, lambda: accounts.login(email, request.password, self.secret(), self.address, self.agent)
        )
        await self.set_cookies(secret, email)
        await self.dependencies.audit_account(account, "account.signed_in", address=self.address)
        self.answer(described(account))


class LogoutHandler(AdminHandler):
    """Ends the sign-in; for an API token there is nothing to end."""

    async def post(self) -> None:
        if self.account.csrf is not None and (secret := self.secret()) is not None:
            await self.dependencies.accounts.logout(secret)
            self.clear_cookie(self.cookie_name(), path="/", secure=self.is_secure(), httponly=True, samesite="Strict")
        self.answer({"ok": True})


class MeHandler(AdminHandler):
    def get(self) -> None:
        self.answer(described(self.account))


def described(account: Account) -> SignedIn:
    return SignedIn(account.email, list(account.sites), account.csrf)
