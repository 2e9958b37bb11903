"""How often somebody may try to sign in: counted per account and per address, closed when Redis is down."""

import hashlib
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.doors import Closed
from services.gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Throttle:
    """Counters with a window. An attempt is counted before the password is looked at."""

    redis: Redis
    settings: Settings

    async def attempt(self, name: str, address: str) -> int:
        """Count an attempt; returns the seconds to wait, 0 when it may go on.

        Raises:
            Closed: Redis does not answer; nobody signs in meanwhile.
        """
        account, place = self._keys(name, address)
        window = self.settings.sign_in_window_seconds
        try:
            async with self.redis.pipeline(transaction=True) as pipe:
                for key in (account, place):
                    pipe.set(key, 0, ex=window, nx=True)
                    pipe.incr(key)
                    pipe.ttl(key)
                answers = await pipe.execute()
        except RedisError:
            raise Closed from None
        tries, wait, tries_there, wait_there = (int(answers[n]) for n in (1, 2, 4, 5))
        limits = self.settings
        waits = [wait] if tries > limits.sign_in_attempts_per_account else []
        waits += [wait_there] if tries_there > limits.sign_in_attempts_per_address else []
        return max([0, *waits])

    async def succeeded(self, name: str, address: str) -> None:
        """Forget the account's attempts after a sign-in; the address keeps its count."""
        try:
            await self.redis.delete(self._keys(name, address)[0])
        except RedisError:
            raise Closed from None

    @staticmethod
    def _keys(name: str, address: str) -> tuple[str, str]:
        digest = hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:32]
        return f"tries:account:{digest}", f"tries:address:{hashlib.sha256(address.encode()).hexdigest()[:32]}"
