"""The consumer under FastStream: it waits for records instead of asking for them.

FastStream's loop sleeps after an empty poll; with twenty subscribers that was 500 wake-ups a second for nothing,
and up to 20 ms of delay at every stage. aiokafka fetches ahead after 0.1 s for those partitions that are consumed
by then; the others must wait until that fetch returns, so that a burst which came as one is handled in parts.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream.kafka import KafkaBroker

from services.kit.leaving import leave_for_good
from services.kit.metadata_pace import paced

_WAIT_MS = 5_000
#: A fetch asks for every partition and returns with the first record of any: idle readers ask this often.
FETCH_WAIT_MS = 1_000
_NEVER_SECONDS = 3600.0
#: What lies here already was fetched when the last poll began, and nothing since: what came meanwhile is fetched
#: too, or each record would wait a whole poll longer than it must.
_TOP_UP_MS = 6


class Poller(AIOKafkaConsumer):  # type: ignore[misc]
    """Polls that are never empty and never old, fetches that always ask for every partition.

    With ``leaves_group`` its partitions go to the others when it stops, not only when its session times out.
    """

    def __init__(self, *topics: str, leaves_group: bool = False, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        paced(self._client)
        self._instance = settings.get("group_instance_id") if leaves_group else None
        #: Fewer records a poll than it was made for, while somebody wants that.
        self.at_most: int | None = None

    async def start(self) -> None:
        """Join the group. Nothing is fetched before all that was fetched is consumed (a private setting)."""
        await super().start()
        self._fetcher._prefetch_backoff = _NEVER_SECONDS

    async def stop(self) -> None:
        """Leave the group if that is for good, and disconnect."""
        if self._instance is not None and not self._closed:
            await leave_for_good(self, self._instance)
        await super().stop()

    async def getmany(
        self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[Any, list[Any]]:
        """The next records, however long they take.

        Raises:
            ConsumerStoppedError: the consumer was closed.
        """
        max_records = self.at_most or max_records
        found: dict[Any, list[Any]] = await super().getmany(*partitions, max_records=max_records)
        if found:
            await self._top_up(found, partitions, max_records)
        while not found:
            found = await super().getmany(*partitions, timeout_ms=_WAIT_MS, max_records=max_records)
        return found

    async def _top_up(
        self, found: dict[Any, list[Any]], partitions: tuple[Any, ...], max_records: int | None
    ) -> None:
        """Add what came after a fetch that has been lying here.

        An error must not cost what was found, whose positions have moved on: it is met again at the next poll.
        """
        room = None if max_records is None else max_records - sum(map(len, found.values()))
        if room is None or room > 0:
            newer: dict[Any, list[Any]] = {}
            with suppress(KafkaError, ConsumerStoppedError):
                newer = await super().getmany(*partitions, timeout_ms=_TOP_UP_MS, max_records=room)
            for partition, records in newer.items():
                found.setdefault(partition, []).extend(records)


class Poll:
    """The records of one poll, for whoever takes them first.

    FastStream keeps a message in its context, and every task and timer begun meanwhile keeps that context: idle
    readers would hold the records of several polls, 2 kB each.
    """

    def __init__(self, records: Iterable[Any]) -> None:
        self._records = list(records)
        self.first = self._records[0]

    @property
    def topic(self) -> str:
        """Topic of the first record."""
        return str(self.first.topic)

    def take(self) -> list[Any]:
        """The records; nothing is left of them here."""
        taken, self._records = self._records, []
        return taken


class WholePoller(Poller):
    """Polls as one :class:`Poll` each, under the partition of their first record: what FastStream passes on."""

    async def getmany(
        self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[Any, list[Any]]:
        """The next records, however long they take.

        Raises:
            ConsumerStoppedError: the consumer was closed.
        """
        found = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        return {next(iter(found)): [Poll(chain.from_iterable(found.values()))]}


class Broker(KafkaBroker):
    """A broker for reading alone, with ``WholePoller`` for each subscriber."""

    def __init__(self, *servers: Any, leaves_group: bool = False, **settings: Any) -> None:
        super().__init__(*servers, **settings)
        self._leaves_group = leaves_group

    async def _connect(self) -> Any:
        plain = await super()._connect()
        assert isinstance(plain, partial)
        builder = partial(WholePoller, leaves_group=self._leaves_group, **plain.keywords)
        self.config.broker_config.builder = builder
        return self.config.broker_config.builder
