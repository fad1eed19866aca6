"""The ids by which owners know conversations."""

import asyncio
import re
from uuid import uuid4

import pytest

from backends.errors import InvalidCursor
from backends.memory.log import MemorySettingsStore
from backends.text import make_cursor
from leflux.chat.conversation_ids import ConversationIds, ConversationIdSource
from leflux.common.server_key import ServerKey
from leflux.protocol import Problem

IDS = ConversationIds(bytes(32))
# Kept by owners with visitors' requests: no later version may change what stands for a session.
KNOWN = ("3f2b8c1e-7a4d-4e6f-9b0a-1c2d3e4f5a6b", "l2nqopfezb7exurwiquhhxvhay")


def test_an_id_can_be_turned_back_and_looks_like_nothing_of_the_session() -> None:
    made = [str(uuid4()) for _ in range(500)]
    names = [IDS.of(session_id) for session_id in made]
    assert [IDS.session_id(name) for name in names] == made
    assert len(set(names)) == len(made)
    for session_id, name in zip(made, names, strict=True):
        assert re.fullmatch("[a-z2-7]{26}", name)
        assert session_id[:8] not in name


def test_an_id_never_changes() -> None:
    assert IDS.of(KNOWN[0]) == KNOWN[1]


def test_another_key_gives_other_ids() -> None:
    session_id = str(uuid4())
    assert ConversationIds(b"1" * 32).of(session_id) != IDS.of(session_id)


def test_a_session_id_stands_for_itself() -> None:
    session_id = str(uuid4())
    assert IDS.session_id(session_id) == session_id


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 26, "a" * 25, "a" * 27, "a" * 25 + "b", "1" * 26, "7C392033-BCC0-4737-B322-25B58CA179BA"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        IDS.session_id(text)
    assert refused.value.code == "invalid_session_id"


def test_an_id_that_was_guessed_names_no_session() -> None:
    """One in 64 guesses has the form of a session id, and is then a random one."""
    other = ConversationIds(b"1" * 32)
    codes = set()
    for _ in range(100):
        try:
            IDS.session_id(other.of(str(uuid4())))
        except Problem as problem:
            codes.add(problem.code)
    assert codes == {"session_not_found"}


def test_a_cursor_names_no_session() -> None:
    session_id = str(uuid4())
    cursor = make_cursor(5, session_id)
    shown = IDS.cursor(cursor)
    assert shown is not None
    assert session_id not in shown
    assert IDS.log_cursor(shown) == cursor
    assert (IDS.cursor(None), IDS.log_cursor(None)) == (None, None)
    for bad in ("nonsense", "5:nonsense"):
        with pytest.raises(InvalidCursor):
            IDS.log_cursor(bad)


async def test_processes_that_start_together_agree_on_one_key() -> None:
    store, session_id = MemorySettingsStore(), str(uuid4())
    sources = [ConversationIdSource(ServerKey(store)) for _ in range(5)]
    names = {ids.of(session_id) for ids in await asyncio.gather(*(source.get() for source in sources))}
    later = await ConversationIdSource(ServerKey(store)).get()
    assert names == {later.of(session_id)}
