"""Signing in and out."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from leflux.owners import LONGEST, Owner
from leflux.web.admin.base import AdminHandler


class LoginRequest(Struct):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]


class LoginHandler(AdminHandler):
    """Gives the browser a fresh cookie, whatever it had before."""

    needs_owner = False

    async def post(self) -> None:
        request = self.json_body(LoginRequest)
        self.desk.address_limit.spend(self.gate.address(self.request))
        self.desk.account_limit.spend(request.email.strip().lower())
        secret, owner = await self.desk.owners.login(request.email, request.password, self.secret())
        self.set_cookie(self.cookie_name(), secret, max_age=round(LONGEST), **self._attributes())
        self.answer(described(owner))

    def _attributes(self) -> dict[str, Any]:
        return {"path": "/", "httponly": True, "samesite": "Strict", "secure": self.is_secure()}


class LogoutHandler(AdminHandler):
    """Ends the sign-in; for an API token there is nothing to end."""

    async def post(self) -> None:
        if self.owner.csrf is not None and (secret := self.secret()) is not None:
            await self.desk.owners.logout(secret)
            self.clear_cookie(self.cookie_name(), path="/", secure=self.is_secure(), httponly=True, samesite="Strict")
        self.answer({"ok": True})


class MeHandler(AdminHandler):
    def get(self) -> None:
        self.answer(described(self.owner))


def described(owner: Owner) -> dict[str, Any]:
    return {"email": owner.email, "sites": list(owner.sites), "csrfToken": owner.csrf}
