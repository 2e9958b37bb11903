"""Sessions live in Redis under a keyed hash of an opaque token; the browser holds the token and nothing else.

A session ends by idling, by age, by sign-out or with its account. Redis down means: nobody is signed in.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.access import AuthLevel
from services.gateway.doors import Closed
from services.gateway.settings import Settings
from services.gateway.views import Language

COOKIE = "__Host-kizashi"


class Session(msgspec.Struct, frozen=True):
    """What a token stands for. Times are POSIX seconds. ``sid`` names the session in the operation log."""

    sid: str
    account_id: str
    staff_id: str
    auth_level: int
    auth_at: float
    csrf: str
    language: Language = Language.ja


def _of_account(account_id: str) -> str:
    return f"sessions-of:{account_id}"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens, reads and ends sessions. Every method raises :class:`Closed` when Redis does not answer."""

    redis: Redis
    settings: Settings
    key: bytes

    def _key(self, token: str) -> str:
        return "session:" + hmac.new(self.key, token.encode(), hashlib.sha256).hexdigest()

    async def begin(
        self, account_id: str, staff_id: str, level: AuthLevel, language: Language, now: float
    ) -> str:
        """A new session; returns the token for the cookie. A token is never reused over sign-in."""
        token = secrets.token_urlsafe(32)
        key = self._key(token)
        session = Session(key[8:24], account_id, staff_id, level, now, secrets.token_urlsafe(24), language)
        try:
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.set(key, msgspec.json.encode(session), ex=self.settings.session_idle_seconds)
                pipe.sadd(_of_account(account_id), key)
                pipe.expire(_of_account(account_id), self.settings.session_absolute_seconds)
                await pipe.execute()
        except RedisError:
            raise Closed from None
        return token

    async def read(self, token: str, now: float, touch: bool = True) -> Session | None:
        """The live session of a token; ``touch`` starts its idle time again."""
        try:
            if touch:
                found = await self.redis.getex(self._key(token), ex=self.settings.session_idle_seconds)
            else:
                found = await self.redis.get(self._key(token))
        except RedisError:
            raise Closed from None
        if found is None:
            return None
        session = msgspec.json.decode(found, type=Session)
        if now - session.auth_at > self.settings.session_absolute_seconds:
            await self.end(token)
            return None
        return session

    async def write(self, token: str, session: Session) -> None:
        """Keep a changed session (language) for the rest of its idle time."""
        try:
            await self.redis.set(self._key(token), msgspec.json.encode(session), xx=True, keepttl=True)
        except RedisError:
            raise Closed from None

    async def end(self, token: str) -> None:
        """Sign out."""
        try:
            await self.redis.delete(self._key(token))
        except RedisError:
            raise Closed from None

    async def end_others(self, account_id: str, token: str) -> None:
        """End every other session of the account."""
        try:
            held = await self.redis.smembers(_of_account(account_id))
            keys = {key.decode() if isinstance(key, bytes) else key for key in held} - {self._key(token)}
            if keys:
                await self.redis.delete(*keys)
                await self.redis.srem(_of_account(account_id), *keys)
        except RedisError:
            raise Closed from None
