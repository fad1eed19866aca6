"""Errors of the stores. Driver errors never leave `backends/`.

StorageError
├── StoreUnavailable      the outcome is *unknown*: retry with the same ids
├── StoreMisconfigured    the settings can never work; raised by `open` only
├── SessionNotFound       never existed, evicted, idle too long, or of another site
│   └── SessionCorrupt    its record cannot be read; the other sessions are unharmed
├── SessionDeleted        purged; a tombstone answers in its place
├── SessionExists         `create` met an id that is taken
├── NotOwner              the write carries an epoch older than the session's
├── DuplicateIdConflict   a known `client_message_id` with another fingerprint
├── SessionTaken          somebody of the site has the session, or took it before this answer was stored
├── NotTaken              this account does not have the session
├── VersionConflict       a compare-and-set lost; carries the version it met
└── InvalidCursor         a listing's cursor that no page gave
"""


class StorageError(Exception):
    """Base of the errors that a store raises."""


class StoreUnavailable(StorageError):
    """The store did not answer in time or refused; the write may or may not have landed."""


class StoreMisconfigured(StorageError):
    """The store can never be opened with these settings."""


class SessionNotFound(StorageError):
    """The store holds no such live session for this site."""


class SessionCorrupt(SessionNotFound):
    """The session's record cannot be read."""


class SessionDeleted(StorageError):
    """The session was purged."""


class SessionExists(StorageError):
    """The session id is taken."""


class NotOwner(StorageError):
    """A newer socket owns the session."""


class DuplicateIdConflict(StorageError):
    """The client message id was used before for another text."""


class SessionTaken(StorageError):
    """A person of the site has the session, shown as `name` since `since` (ms), or had it: then `name` is empty."""

    def __init__(self, session_id: str, name: str = "", since: int = 0) -> None:
        super().__init__(session_id)
        self.name = name
        self.since = since


class NotTaken(StorageError):
    """The account does not have the session."""


class VersionConflict(StorageError):
    """Another writer was first."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the stored version is {current}")
        self.current = current


class InvalidCursor(StorageError):
    """No page returned this cursor."""
