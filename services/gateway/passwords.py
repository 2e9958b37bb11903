"""Passwords by Argon2id (RFC 9106, second recommended option). Checked off the event loop, few at a time."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.gateway.doors import BadInput

MIN_LENGTH = 12
MAX_LENGTH = 200
_COMMON = frozenset(
    {"passwordpassword", "123456789012", "qwertyuiop12", "kizashikizashi", "passw0rdpassw0rd"}
)


class Passwords:
    """Hashes and checks. Each check takes 64 MiB for some tens of milliseconds; two run at once."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(2)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """The stored form."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; an unknown account takes as long as a known one."""
        async with self._room:
            fits = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return fits and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password[:MAX_LENGTH])
        except (VerificationError, InvalidHashError):
            return False


def check_strength(password: str, name: str) -> None:
    """Length decides (NIST SP 800-63B 5.1.1.2); a common one or the account's own name is refused.

    Raises:
        BadInput: too short, too long, too common, or made of the sign-in name.
    """
    folded = password.casefold()
    common = folded in _COMMON or len(set(folded)) < 5 or (len(name) > 3 and name.casefold() in folded)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or common:
        raise BadInput("password")
