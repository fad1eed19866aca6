"""A message whose acknowledgement was lost is stored once, also when its session was evicted meanwhile (S25)."""

from typing import Any

import pytest

from tests.server.conftest import Opened, until
from tests.services.wait import until as until_found


@pytest.mark.parametrize("over", ["http", "socket"])
async def test_a_repeat_in_the_session_that_continues_gets_the_first_answer(opened: Opened, over: str) -> None:
    """Its acknowledgement was lost, and the session was evicted before the browser could send it again."""
    visitor = await opened(session={"idle_ttl": "3s"})
    session_id = await visitor.init()
    said = {"sessionId": session_id, "clientMessageId": "lost-answer", "message": "only once"}
    status, first = await visitor.call("POST", "/api/chat", said)
    assert status == 200

    async def gone() -> bool:
        return (await visitor.call("POST", f"/api/session/{session_id}", {}))[0] == 404

    await until(gone, "the session is evicted")

    async def repeated() -> dict[str, Any] | None:
        after = await visitor.init(continues=session_id)
        if over == "http":
            status, answer = await visitor.call("POST", "/api/chat", said | {"sessionId": after})
            assert status in (200, 404)
            return answer if status == 200 else None
        socket = await visitor.socket(after)
        await socket.wait("session_joined")
        answer = await socket.say(after, "only once", "lost-answer")
        return answer if answer["ok"] else None

    answer = await until_found(repeated, "the repeat is answered before the new session is idle too")
    assert (answer["messageId"], answer["seq"], answer["sessionId"]) == (first["messageId"], 1, session_id)
