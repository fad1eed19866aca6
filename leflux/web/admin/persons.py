"""A person of the site takes a conversation, speaks in it, and hands it back."""

from msgspec import Struct

from leflux import protocol
from leflux.chat.persons import Speaker
from leflux.protocol.owner_api import PersonRow, Said, Taken
from leflux.web.admin.base import AdminHandler


class TakeRequest(Struct, rename="camel"):
    name: str | None = None
    force: bool = False


class SayRequest(Struct, rename="camel"):
    client_message_id: protocol.ClientId
    text: str


class _PersonHandler(AdminHandler):
    async def addressed(self, site_id: str, name: str) -> tuple[Speaker, str]:
        """Who speaks, and the session that the call names."""
        site, ids = self.site(site_id), await self.conversation_ids()
        return Speaker(site.id, self.account.email), ids.session_id(name)


class TakeHandler(_PersonHandler):
    async def post(self, site_id: str, name: str) -> None:
        by, session_id = await self.addressed(site_id, name)
        request = self.json_body(TakeRequest)
        person = await self.dependencies.chat.persons.take(by, session_id, request.name, request.force)
        self.answer(Taken(PersonRow(person.name, person.since, is_you=True)))


class SayHandler(_PersonHandler):
    async def post(self, site_id: str, name: str) -> None:
        by, session_id = await self.addressed(site_id, name)
        request = self.json_body(SayRequest)
        stored = await self.dependencies.chat.persons.say(by, session_id, request.client_message_id, request.text)
        self.answer(Said(stored.id, stored.seq))


class ReleaseHandler(_PersonHandler):
    async def post(self, site_id: str, name: str) -> None:
        by, session_id = await self.addressed(site_id, name)
        await self.dependencies.chat.persons.release(by, session_id)
        self.answer({"released": True})
