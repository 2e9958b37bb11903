"""The loop: tell, wait until it is shown, note how long it took. One record is under way at a time.

What is awaited is the content, so a record that was lost or late is never taken for another one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Protocol

import asyncpg
import httpx

from contracts.codes import AttendanceCode
from contracts.records import Record
from kizashi.canary import child, metrics
from kizashi.canary.settings import Settings
from services.kit.errors import error_name

log = logging.getLogger(__name__)
#: How closely arrival is looked for: often at first, seldom once it is late.
_LOOK_SECONDS, _LATE_SECONDS, _LOOK_SELDOM_SECONDS = 0.05, 5.0, 1.0
_ACCEPTED = 202
_BATCH = "application/cloudevents-batch+json"


class Look(Protocol):
    """What the far end shows of a day."""

    def __call__(self, day: date) -> Awaitable[AttendanceCode | None]: ...


class Door:
    """Sends to ingest as every school system does: over HTTP, with an API key, under the name it is called by."""

    def __init__(
        self, client: httpx.AsyncClient, settings: Settings, token: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._url = settings.ingest_url.rstrip("/") + "/v1/events"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": _BATCH}
        self._headers["Host"] = settings.allowed_hosts.partition(",")[0].strip()
        self._now = now

    async def send(self, records: Sequence[Record]) -> bool:
        """Whether all of them were accepted; if not, that is counted and told."""
        body = child.cloud_events(records, self._now())
        try:
            answer = await self._client.post(self._url, content=body, headers=self._headers)
        except httpx.HTTPError as error:
            metrics.RECORDS.labels("unreachable").inc()
            log.warning("the door does not answer", extra={"error": error_name(error)})
            return False
        if answer.status_code != _ACCEPTED or answer.json()["accepted"] != len(records):
            metrics.RECORDS.labels("refused").inc()
            log.warning("the door refuses", extra={"status": answer.status_code})
            return False
        return True


class Canary:
    """Tells the synthetic child's last day again and again, each time something else."""

    def __init__(self, door: Door, look: Look, settings: Settings, today: Callable[[], date]) -> None:
        self._door = door
        self._look = look
        self._settings = settings
        self._today = today
        self._begun: list[date] = []

    async def run(self) -> None:
        """One record each interval, for ever; a failure costs one round and is told."""
        while True:
            began = time.monotonic()
            try:
                await self.round()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("the far end cannot be seen", extra={"error": error_name(error)})
            rest = self._settings.interval_seconds - (time.monotonic() - began)
            await asyncio.sleep(max(rest, _LOOK_SELDOM_SECONDS))

    async def round(self) -> float | None:
        """Send one record and wait for it; the seconds it took, None when it was not accepted or is overdue."""
        days = child.absence(self._today(), self._settings.alerts_from)
        if days != self._begun:
            if not await self._door.send(child.beginning(days)):
                return None
            self._begun = days
        code = child.other_than(await self._look(days[-1]))
        sent = time.monotonic()
        if not await self._door.send([child.mark(days[-1], code)]):
            return None
        return await self._arrival(days[-1], code, sent)

    async def _arrival(self, day: date, code: AttendanceCode, sent: float) -> float | None:
        while await self._look(day) is not code:
            waited = time.monotonic() - sent
            if waited > self._settings.again_seconds:
                metrics.RECORDS.labels("overdue").inc()
                log.error("the canary is overdue", extra={"seconds": round(waited)})
                return None
            await asyncio.sleep(_LOOK_SECONDS if waited < _LATE_SECONDS else _LOOK_SELDOM_SECONDS)
        seconds = time.monotonic() - sent
        metrics.SECONDS.observe(seconds)
        metrics.ARRIVED_AT.set_to_current_time()
        metrics.RECORDS.labels("arrived").inc()
        return seconds
