"""What the session store must do, as plainly as it can be said: dicts, no clock, no concurrency."""

from dataclasses import dataclass, field


@dataclass
class Said:
    """One message. `key` is its client id, `fingerprint` its text."""

    seq: int
    message_id: str
    text: str


@dataclass
class Modelled:
    """One session."""

    epoch: int = 0
    holder: str | None = None
    said: list[Said] = field(default_factory=list)
    by_key: dict[str, Said] = field(default_factory=dict)
    asked: int = 0
    answered: int = 0
    attempts: int = 0
    lease: str | None = None
    task_version: int = 0
    task_id: str | None = None
    context: bytes | None = None
    account: str | None = None
    taken_at: int = 0

    def take(self, account: str) -> None:
        self.account, self.taken_at = account, len(self.said)
        self.answered, self.attempts, self.lease = max(self.asked, self.answered), 0, None

    def append(self, message_id: str, text: str, key: str | None, opens: bool = False, closes: int = 0) -> Said:
        said = Said(len(self.said) + 1, message_id, text)
        self.said.append(said)
        if key is not None:
            self.by_key[key] = said
        if opens and self.account is None:
            self.asked = said.seq
        elif opens:
            closes = said.seq
        if closes:
            self.answered = max(self.answered, closes)
            self.attempts = 0
        if self.answered >= self.asked:
            self.lease = None
        return said
