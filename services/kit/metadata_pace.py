"""A pause between questions for metadata, which aiokafka does not make.

Where a partition has no leader or its topic is gone, fetcher and sender ask again as soon as they have an answer, and
where no broker can be reached as soon as they know that: one processor and a line of log for every turn, for ever.
"""

import asyncio
import time
from typing import Any

#: After an answer, as the Java client's ``retry.backoff.ms``.
ANSWERED_SECONDS = 0.1
#: After nobody answered.
UNANSWERED_SECONDS = 0.5


class Pace:
    """When a client may ask again; the first question, and one long after the last, is never held up."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def pause_seconds(self, now: float) -> float:
        """How long to wait at ``now`` (monotonic)."""
        return max(self._not_before - now, 0.0)

    def ended(self, answered: bool, now: float) -> None:
        """A question ended at ``now``."""
        self._not_before = now + (ANSWERED_SECONDS if answered else UNANSWERED_SECONDS)


def paced(client: Any) -> None:
    """Make an aiokafka client wait before it asks again (a private method)."""
    ask, pace = client._metadata_update, Pace()

    async def asked(*arguments: Any) -> bool:
        await asyncio.sleep(pace.pause_seconds(time.monotonic()))
        answered = bool(await ask(*arguments))
        pace.ended(answered, time.monotonic())
        return answered

    client._metadata_update = asked
