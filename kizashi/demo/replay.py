"""A simulated source: sends a city's days to ingest over HTTP, as school systems would."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

import httpx

from contracts.codes import ClockPhase
from contracts.envelope import Event
from simulator.cloudevents import to_lines

_LINES_PER_REQUEST = 500
_BYTES_PER_REQUEST = 1_000_000
_REQUESTS_AT_ONCE = 4
_TRIES = 8


class Refused(RuntimeError):
    """Ingest refused something the simulator sent; the text holds codes only."""


@dataclass
class Sender:
    """Sends events with the API key of their source. Counts what was accepted."""

    url: str
    keys: dict[str, str]
    clock_key: str
    sent: int = 0
    client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(timeout=60.0, trust_env=False)
    )

    async def close(self) -> None:
        """Disconnect."""
        await self.client.aclose()

    async def send(self, events: Sequence[Event]) -> None:
        """Send events, several requests at once, and wait until all are acknowledged.

        Schools go first: ingest refuses records of a school that it does not know.

        Raises:
            Refused: ingest did not accept every event.
        """
        schools = [event for event in events if event.meta.type == "school-registered"]
        if schools:
            await self._send(schools)
        await self._send([event for event in events if event.meta.type != "school-registered"])

    async def _send(self, events: Sequence[Event]) -> None:
        requests = [
            (source, body, count)
            for source in {event.meta.source for event in events}
            for body, count in _bodies([e for e in events if e.meta.source == source])
        ]
        gate = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        await asyncio.gather(*(self._post(gate, *request) for request in requests))

    async def _post(self, gate: asyncio.Semaphore, source: str, body: bytes, count: int) -> None:
        headers = {"authorization": f"Bearer {self.keys[source]}", "content-type": "application/x-ndjson"}
        async with gate:
            answer = await self._tried(f"{self.url}/v1/events", body, headers)
        told = answer.json()
        if answer.status_code != 202 or told.get("refused"):
            raise Refused(f"{answer.status_code}: {[r.get('code') for r in told.get('refused', [])][:5]}")
        self.sent += count

    async def _tried(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Post, waiting and trying again while ingest is busy or restarts."""
        for attempt in range(_TRIES):
            try:
                answer = await self.client.post(url, content=body, headers=headers)
                if answer.status_code not in (429, 502, 503):
                    return answer
            except httpx.TransportError:
                if attempt == _TRIES - 1:
                    raise
            await asyncio.sleep(0.1 * 2**attempt)
        return answer

    async def clock(self, day: date, phase: ClockPhase) -> None:
        """Tell the school clock.

        Raises:
            Refused: the key has no such right.
        """
        headers = {"authorization": f"Bearer {self.clock_key}", "content-type": "application/json"}
        body = f'{{"date":"{day.isoformat()}","phase":"{phase.value}"}}'.encode()
        answer = await self._tried(f"{self.url}/v1/clock", body, headers)
        if answer.status_code != 202:
            raise Refused(f"clock: {answer.status_code}")


def _bodies(events: Sequence[Event]) -> list[tuple[bytes, int]]:
    """Request bodies of bounded length, in order."""
    lines = list(to_lines(events))
    bodies: list[tuple[bytes, int]] = []
    while lines:
        taken, size = 0, 0
        for line in islice(lines, _LINES_PER_REQUEST):
            if taken and size + len(line) > _BYTES_PER_REQUEST:
                break
            taken, size = taken + 1, size + len(line)
        bodies.append((b"".join(lines[:taken]), taken))
        lines = lines[taken:]
    return bodies
