"""Passwords: argon2id hashes, computed in threads."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 1024


class Passwords:
    """How many run at once is bounded where requests come in (`SignInThrottle`)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one of the hash. Without a hash it is not, and takes as long to find out."""
        if len(password) > LONGEST:
            return False
        if self._decoy is None:
            self._decoy = await self.hash(secrets.token_urlsafe(16))
        try:
            await asyncio.to_thread(self._hasher.verify, hashed or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None


def new_password() -> str:
    return secrets.token_urlsafe(15)


def checked_password(password: str) -> str:
    """Raises `ValueError`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters")
    return password
