"""The invariants, each a function from the history and the last readings to its violations. Numbers as in the docs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from tests.faults.history import Event, Reading, Stored

Rule = Callable[["Run"], Iterator[str]]


class Run:
    """The history of one seed with what the rules look up in it."""

    def __init__(self, events: Sequence[Event], readings: Sequence[Reading], canaries: Sequence[str]) -> None:
        self.events = events
        self.readings = readings
        self.canaries = canaries
        self.invoked = {event.call: event for event in events if event.kind == "invoke"}
        self.says = [event for event in events if event.op == "say"]
        self.purged = {event.session for event in events if event.op == "purge" and event.kind != "refused"}

    def pairs(self, op: str, kind: str = "ok") -> Iterator[tuple[Event, Event]]:
        """Beginning and end of the calls of one kind that ended so."""
        for event in self.events:
            if event.op == op and event.kind == kind:
                yield self.invoked[event.call], event


def acknowledged_is_stored(run: Run) -> Iterator[str]:
    """1  What was acknowledged is stored, once, under the acknowledged `seq`."""
    stored: dict[str, list[int]] = defaultdict(list)
    for reading in run.readings:
        for one in reading.api or ():
            stored[f"{reading.session} {one.key}"].append(one.seq)
    for begun, end in run.pairs("say"):
        if end.session not in run.purged and (seqs := stored[f"{end.session} {begun.key}"]) != [end.seq]:
            yield f"{begun.key} was acknowledged as {end.seq} and is stored as {seqs}"


def unknown_is_stored_once_at_most(run: Run) -> Iterator[str]:
    """2  Whatever was sent is stored once at most."""
    for reading in run.readings:
        for key, count in Counter(one.key for one in reading.api or () if one.key).items():
            if count > 1:
                yield f"{key} is stored {count} times"


def repeats_agree(run: Run) -> Iterator[str]:
    """3  The same key with the same text has one `seq`; with another text it is refused."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for begun, end in run.pairs("say"):
        text, seq = first.setdefault((end.session, begun.key), (begun.text, end.seq))
        if text != begun.text:
            yield f"{begun.key} was accepted with two texts"
        elif seq != end.seq:
            yield f"{begun.key} was acknowledged as {seq} and as {end.seq}"


def sequences_have_no_gap(run: Run) -> Iterator[str]:
    """4  The stored `seq` of a session are exactly 1 to n, in order."""
    for reading in run.readings:
        for shown in (reading.api, reading.store):
            if shown is not None and [one.seq for one in shown] != list(range(1, len(shown) + 1)):
                yield f"{reading.session} has the seqs {[one.seq for one in shown]}"


def order_of_a_tab_holds(run: Run) -> Iterator[str]:
    """5  What a tab said after an acknowledgement has a higher `seq`."""
    newest: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for begun, end in run.pairs("say"):
        if (end.session, begun.key) in seen:
            continue
        seen.add((end.session, begun.key))
        # A key that another call has tried before may have been stored then.
        tries = [event for event in run.says if event.kind == "invoke" and event.key == begun.key]
        for at, seq in newest[end.session, begun.tab]:
            if at < tries[0].at and seq > end.seq:
                yield f"{begun.key} has {end.seq} and was said after {seq} was acknowledged"
        newest[end.session, begun.tab].append((end.at, end.seq))


def restores_only_grow(run: Run) -> Iterator[str]:
    """6  A restore is contiguous, holds all that was acknowledged or shown before it began, and never another text."""
    known: dict[str, dict[int, Stored]] = defaultdict(dict)
    high: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for event in run.events:
        if event.kind != "ok" or event.op not in ("say", "restore"):
            continue
        begun = run.invoked[event.call]
        if event.op == "restore":
            if [one.seq for one in event.shown] != list(range(1, len(event.shown) + 1)):
                yield f"a restore of {event.session} shows the seqs {[one.seq for one in event.shown]}"
            floor = max((seq for at, seq in high[event.session] if at < begun.at), default=0)
            if len(event.shown) < floor:
                yield f"a restore of {event.session} ends at {len(event.shown)} after {floor} was known"
            for one in event.shown:
                if known[event.session].setdefault(one.seq, one) != one:
                    yield f"{event.session} showed two messages as {one.seq}"
            high[event.session].append((event.at, len(event.shown)))
        else:
            high[event.session].append((event.at, event.seq))


def nothing_is_invented(run: Run) -> Iterator[str]:
    """7  Every stored message was said, or is the echo of one."""
    said = {(event.key, event.text) for event in run.says if event.kind == "invoke"}
    texts = {text for _, text in said}
    for reading in run.readings:
        for one in reading.api or ():
            is_known = (one.key, one.text) in said if one.role == "visitor" else _is_echo(one.text, texts)
            if not is_known:
                yield f"{reading.session} holds {one.text!r} as {one.seq}, which nobody said"


def _is_echo(text: str, said: set[str]) -> bool:
    return text.removeprefix("echo: ") in said or not text.startswith("echo: ")


def readings_agree(run: Run) -> Iterator[str]:
    """8  The API, the log and the store show the same messages."""
    for reading in run.readings:
        if reading.api is None:
            continue
        for name, shown in (("log", reading.export), ("store", reading.store)):
            if shown is not None and [(one.seq, one.text) for one in shown] != [
                (one.seq, one.text) for one in reading.api
            ]:
                yield f"the {name} of {reading.session} has {len(shown)} messages that differ from {len(reading.api)}"


def older_sockets_are_fenced(run: Run) -> Iterator[str]:
    """9  A socket whose session was taken over before its call began stores nothing new."""
    claims: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for _, end in run.pairs("join"):
        claims[end.session].append((end.at, end.epoch))
    stored_by: dict[tuple[str, str], int] = {}
    for begun, end in run.pairs("say"):
        stored_by.setdefault((end.session, begun.key), begun.call)
        first = run.invoked[stored_by[end.session, begun.key]]
        tries = [event for event in run.says if event.kind == "invoke" and event.key == begun.key]
        if first.call != begun.call or tries[0].call != begun.call or not begun.epoch:
            continue  # A repeat is answered, whoever asks.
        newer = [epoch for at, epoch in claims[end.session] if at < begun.at and epoch > begun.epoch]
        if newer:
            yield f"{begun.key} was stored by epoch {begun.epoch} after {max(newer)} had joined"


def each_question_has_one_outcome(run: Run) -> Iterator[str]:
    """10  Every visitor message has one reply."""
    for reading in run.readings:
        if reading.api is None:
            continue
        asked = Counter(f"echo: {one.text}" for one in reading.api if one.role == "visitor")
        answered = Counter(one.text for one in reading.api if one.role == "assistant")
        for text, count in asked.items():
            if answered[text] > count:
                yield f"{reading.session} has {answered[text]} replies {text!r}"
        if sum(answered.values()) != sum(asked.values()):
            yield f"{reading.session} has {sum(asked.values())} questions and {sum(answered.values())} outcomes"


def nobody_sees_another(run: Run) -> Iterator[str]:
    """11  No session shows another visitor's words."""
    shown = [(reading.visitor, reading.session, one.text) for reading in run.readings for one in reading.api or ()]
    shown += [
        (event.visitor, event.session, one.text) for event in run.events for one in event.shown if event.kind == "ok"
    ]
    for visitor, session, text in shown:
        if any(canary in text for number, canary in enumerate(run.canaries) if number != visitor):
            yield f"{session} of visitor {visitor} shows {text!r}"


def purged_is_gone(run: Run) -> Iterator[str]:
    """12  A session that was purged cannot be read, and its words are nowhere."""
    for reading in run.readings:
        if reading.session in run.purged:
            if reading.api is not None:
                yield f"{reading.session} was purged and is restored with {len(reading.api)} messages"
            elif reading.gone != "session_deleted":
                yield f"{reading.session} was purged and is refused with {reading.gone}"
            if reading.export:
                yield f"{reading.session} was purged and the log holds {len(reading.export)} messages"
            if reading.left:
                yield f"{reading.session} was purged and {reading.left} places of the store hold its words"


def purged_stays_gone(run: Run) -> Iterator[str]:
    """12  No call succeeds in a session after its purge."""
    done: dict[str, float] = {}
    for event in run.events:
        if event.kind == "ok" and event.op == "purge":
            done.setdefault(event.session, event.at)
        begun = run.invoked.get(event.call)
        if event.kind != "ok" or begun is None or event.op not in ("say", "restore", "join"):
            continue
        if begun.at > done.get(event.session, begun.at):
            yield f"{event.op} of {event.session} succeeded after its purge"


def comes_to_rest(run: Run) -> Iterator[str]:
    """14  After the last fault everything is answered, logged and erased in time."""
    for event in run.events:
        if event.kind == "restless":
            yield event.op


RULES: tuple[Rule, ...] = (
    acknowledged_is_stored,
    unknown_is_stored_once_at_most,
    repeats_agree,
    sequences_have_no_gap,
    order_of_a_tab_holds,
    restores_only_grow,
    nothing_is_invented,
    readings_agree,
    older_sockets_are_fenced,
    each_question_has_one_outcome,
    nobody_sees_another,
    purged_is_gone,
    purged_stays_gone,
    comes_to_rest,
)


def violations(run: Run) -> list[str]:
    """Each violation, with the rule it is of."""
    return [f"{(rule.__doc__ or '').split()[0]} {found}" for rule in RULES for found in rule(run)]
