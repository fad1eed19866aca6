"""The take-over of a session by a person as its row keeps it (S29 to S32), within a transaction."""

from sqlite3 import Connection

import msgspec

from backends.errors import SessionCorrupt
from backends.takeover import TakeOver


def unpacked(packed: object, session_id: str) -> TakeOver:
    """Raises `SessionCorrupt`."""
    try:
        if not isinstance(packed, bytes):
            raise msgspec.ValidationError
        return msgspec.msgpack.decode(packed, type=TakeOver)
    except msgspec.MsgspecError:
        raise SessionCorrupt(session_id) from None


def put_take_over(db: Connection, num: int, take_over: TakeOver | None) -> None:
    packed = None if take_over is None else msgspec.msgpack.encode(take_over)
    db.execute("UPDATE sessions SET take_over = ? WHERE num = ?", (packed, num))


def close_open(db: Connection, num: int) -> None:
    """Nothing is open any more, and nobody has the lease (S30)."""
    db.execute(
        "UPDATE sessions SET answered = max(answered, asked), attempts = 0, lease = NULL, lease_until = 0"
        " WHERE num = ?",
        (num,),
    )
