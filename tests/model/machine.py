"""Random sequences of the session store's verbs, each answer compared with the model's."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule
from msgspec.structs import replace

from backends import StoreSettings, open_storage
from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    NotTaken,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    SessionTaken,
    VersionConflict,
)
from backends.records import Deletion, Erased, NewSession, SessionRef
from tests.contract.kit import LONG, OTHER_SITE, SITE, decoded, make_draft, make_task
from tests.model.reference import Modelled
from tests.services.config import embedded

T = TypeVar("T")
TEXTS = st.sampled_from(["hello", "why?", "schräg \U0001f9ed", ""])
KEYS = st.sampled_from(["c-1", "c-2", "c-3", "~reply:1"])
WORKERS = st.sampled_from(["ann", "bob"])
MOST = 2
"""Live sessions at one time: few, so that the rules meet on one of them."""


class StoreMachine(RuleBasedStateMachine):
    """One store of `backend` for each run. The sites' idle times are never reached."""

    backend: str = "memory"
    live: Bundle[str] = Bundle("live")
    gone: Bundle[str] = Bundle("gone")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.model: dict[str, Modelled] = {}

    def settings(self) -> StoreSettings:
        """An empty store."""
        settings = embedded(self.backend, Path(self.folder.name) / "model.db")
        return replace(settings, deadline=30.0)

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def refused(self, kind: type[Exception], call: Coroutine[Any, Any, Any]) -> None:
        with pytest.raises(kind) as raised:
            self.do(call)
        assert type(raised.value) is kind

    @initialize()
    def open(self) -> None:
        self.storage = self.do(open_storage(self.settings()))
        self.store = self.storage.sessions

    def teardown(self) -> None:
        if hasattr(self, "storage"):
            self.do(self.storage.close())
        self.runner.close()
        self.folder.cleanup()

    def ref(self, session_id: str, site_id: str = SITE) -> SessionRef:
        return SessionRef(site_id, session_id, LONG)

    @precondition(lambda self: len(self.model) < MOST)
    @rule(target=live)
    def create(self) -> str:
        session_id = str(uuid4())
        self.do(self.store.create(self.ref(session_id), NewSession()))
        self.model[session_id] = Modelled()
        return session_id

    @rule(session_id=st.one_of(live, gone))
    def create_again(self, session_id: str) -> None:
        self.refused(SessionExists, self.store.create(self.ref(session_id), NewSession()))

    @rule(session_id=live, text=TEXTS, opens=st.booleans())
    def append(self, session_id: str, text: str, opens: bool) -> None:
        draft = make_draft(text, opens_turn=opens)
        stored = self.do(self.store.append(self.ref(session_id), draft))
        said = self.model[session_id].append(draft.id, text, None, opens=opens)
        assert (stored.seq, stored.id, stored.created) == (said.seq, draft.id, True)

    @rule(session_id=live, text=TEXTS, key=KEYS, late=st.booleans(), opens=st.booleans())
    def append_once(self, session_id: str, text: str, key: str, late: bool, opens: bool) -> None:
        """Known keys are answered before the fence is asked; `late` writes with an epoch that has been taken over."""
        model = self.model[session_id]
        draft = make_draft(text, key, opens_turn=opens)
        late = late and model.epoch > 0
        epoch = model.epoch - 1 if late else model.epoch
        call = self.store.append(self.ref(session_id), draft, epoch)
        known = model.by_key.get(key)
        if known is not None and known.text != text:
            self.refused(DuplicateIdConflict, call)
        elif known is not None:
            stored = self.do(call)
            assert (stored.seq, stored.id, stored.created) == (known.seq, known.message_id, False)
        elif late:
            self.refused(NotOwner, call)
        else:
            stored = self.do(call)
            said = model.append(draft.id, text, key, opens=opens)
            assert (stored.seq, stored.id, stored.created) == (said.seq, draft.id, True)

    @rule(session_id=live, holder=WORKERS)
    def claim(self, session_id: str, holder: str) -> None:
        model = self.model[session_id]
        model.epoch, model.holder = model.epoch + 1, holder
        session = self.do(self.store.claim(self.ref(session_id), holder, 0, 5)).session
        assert (session.epoch, session.holder) == (model.epoch, holder)

    @rule(session_id=live, behind=st.integers(0, 2))
    def release(self, session_id: str, behind: int) -> None:
        model = self.model[session_id]
        ours = behind == 0 and model.holder is not None
        assert self.do(self.store.release(self.ref(session_id), model.epoch - behind)) is ours
        if ours:
            model.holder = None

    @rule(session_id=live, worker=WORKERS)
    def lease(self, session_id: str, worker: str) -> None:
        model = self.model[session_id]
        session = self.do(self.store.lease(self.ref(session_id), worker, LONG))
        if model.asked <= model.answered or model.lease not in (None, worker):
            assert session is None
            return
        model.attempts += model.lease is None
        model.lease = worker
        assert session is not None
        assert (session.attempts, session.asked) == (model.attempts, model.asked)

    @rule(session_id=live, worker=WORKERS)
    def unlease(self, session_id: str, worker: str) -> None:
        model = self.model[session_id]
        if model.lease == worker:
            model.lease = None
        self.do(self.store.unlease(self.ref(session_id), worker))

    @rule(session_id=live)
    def answer(self, session_id: str) -> None:
        model = self.model[session_id]
        draft = make_draft("because", role="assistant", closes_turn=model.asked or None)
        if 0 < model.asked <= model.taken_at:
            self.refused(SessionTaken, self.store.append(self.ref(session_id), draft))
            return
        stored = self.do(self.store.append(self.ref(session_id), draft))
        assert stored.seq == model.append(draft.id, "because", None, closes=model.asked).seq

    @rule(session_id=live, account=WORKERS, force=st.booleans())
    def take(self, session_id: str, account: str, force: bool) -> None:
        model = self.model[session_id]
        call = self.store.take(self.ref(session_id), account, account.title(), LONG, force)
        if model.account not in (None, account) and not force:
            self.refused(SessionTaken, call)
            return
        taking = self.do(call)
        assert taking.is_new is (model.account != account)
        before = None if taking.taken_from is None else taking.taken_from.account
        assert before == (model.account if taking.is_new else None)
        model.take(account)

    @rule(session_id=live, account=WORKERS)
    def hand_back(self, session_id: str, account: str) -> None:
        model = self.model[session_id]
        has_it = model.account == account
        assert self.do(self.store.hand_back(self.ref(session_id), account)) is has_it
        if has_it:
            model.account = None

    @rule(session_id=live, account=WORKERS, text=TEXTS)
    def say_as_a_person(self, session_id: str, account: str, text: str) -> None:
        model = self.model[session_id]
        draft = make_draft(text, role="assistant", kind="person", account=account)
        call = self.store.append(self.ref(session_id), draft)
        if model.account != account:
            self.refused(NotTaken, call)
        else:
            assert self.do(call).seq == model.append(draft.id, text, None).seq

    @rule(session_id=live, off=st.integers(-1, 1), late=st.booleans(), task_id=st.sampled_from(["t-1", "t-2"]))
    def swap_task(self, session_id: str, off: int, late: bool, task_id: str) -> None:
        model = self.model[session_id]
        late = late and model.epoch > 0
        epoch = model.epoch - 1 if late else None
        call = self.store.swap_task(self.ref(session_id), make_task(task_id=task_id), model.task_version + off, epoch)
        if late:
            self.refused(NotOwner, call)
        elif off:
            self.refused(VersionConflict, call)
        else:
            model.task_version, model.task_id = model.task_version + 1, task_id
            assert self.do(call).version == model.task_version

    @rule(session_id=live, context=st.binary(min_size=1, max_size=20))
    def set_context(self, session_id: str, context: bytes) -> None:
        self.do(self.store.set_context(self.ref(session_id), context))
        self.model[session_id].context = context

    @rule(target=gone, session_id=consumes(live), done=st.booleans())
    def delete(self, session_id: str, done: bool) -> str:
        model = self.model.pop(session_id)
        erased = self.do(self.store.delete(self.ref(session_id), LONG))
        assert erased == Erased(1, len(model.said), 1 if model.task_version else 0, 0)
        assert self.do(self.store.delete(self.ref(session_id), LONG)) == Erased()
        if done:
            self.do(self.store.deletion_done(Deletion(SITE, session_id, LONG)))
            self.refused(SessionDeleted, self.store.delete(self.ref(session_id), LONG))
        return session_id

    @rule(session_id=gone)
    def write_after_the_purge(self, session_id: str) -> None:
        self.refused(SessionDeleted, self.store.append(self.ref(session_id), make_draft("late")))
        self.refused(SessionDeleted, self.store.claim(self.ref(session_id), "ann", 0, 5))
        self.refused(SessionNotFound, self.store.load(self.ref(session_id, OTHER_SITE)))

    @rule(session_id=live)
    def reach_over_from_another_site(self, session_id: str) -> None:
        foreign = self.ref(session_id, OTHER_SITE)
        self.refused(SessionNotFound, self.store.append(foreign, make_draft("foreign")))
        self.refused(SessionNotFound, self.store.delete(foreign, LONG))

    @rule(session_id=live, since=st.integers(0, 12), limit=st.integers(0, 12))
    def read(self, session_id: str, since: int, limit: int) -> None:
        said = self.model[session_id].said
        snapshot = self.do(self.store.restore(self.ref(session_id), since, limit))
        newest = said[max(since, len(said) - limit) :]
        assert [decoded(body)["id"] for body in snapshot.messages] == [one.message_id for one in newest]
        page = self.do(self.store.messages(self.ref(session_id), since, limit))
        assert [decoded(body)["id"] for body in page] == [one.message_id for one in said[since : since + limit]]

    @invariant()
    def every_session_is_as_the_model_says(self) -> None:
        for session_id, model in self.model.items():
            ref = self.ref(session_id)
            snapshot = self.do(self.store.restore(ref, 0, 1000))
            session = snapshot.session
            assert (session.seq, session.epoch, session.holder) == (len(model.said), model.epoch, model.holder)
            assert (session.asked, session.answered) == (model.asked, model.answered)
            assert session.attempts == model.attempts
            assert (session.person and session.person.account) == model.account
            assert [decoded(body)["seq"] for body in snapshot.messages] == list(range(1, len(model.said) + 1))
            assert [decoded(body)["text"] for body in snapshot.messages] == [one.text for one in model.said]
            task = snapshot.task
            stored_task = (None, 0) if task is None else (task.task_id, task.version)
            assert stored_task == (model.task_id, model.task_version)
            assert self.do(self.store.context(ref)) == (model.context, None)
            logged = self.do(self.storage.log.messages(SITE, session_id, 0, 1000))
            assert logged == snapshot.messages
