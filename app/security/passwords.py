"""Password hashing: Argon2id through passlib, in threads, two at a time."""

import asyncio

from passlib.context import CryptContext

from app.core.errors import BadRequest

MIN_LENGTH = 8
MAX_LENGTH = 1024

_context = CryptContext(schemes=["argon2"], argon2__memory_cost=19456, argon2__time_cost=2, argon2__parallelism=1)
_DUMMY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Passwords:
    """40 ms and 19 MiB a hash: a semaphore keeps a flood of log-ins from taking the machine."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(2)

    async def hash(self, password: str) -> str:
        check_strength(password)
        async with self._slots:
            return await asyncio.to_thread(_context.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it is right, and a new hash where the stored one should be replaced. A person without a
        password takes as long as one with a wrong password."""
        async with self._slots:
            right, fresh = await asyncio.to_thread(_context.verify_and_update, password[:MAX_LENGTH], stored or _DUMMY)
        return right and stored is not None, fresh if stored else None


def check_strength(password: str) -> None:
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadRequest(f"password: use {MIN_LENGTH} to {MAX_LENGTH} characters.", field="password")
