"""What a member does when its group gives it partitions or takes them away: claim, compare with the log, seek."""

import asyncio
import logging
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.kit.errors import error_name
from services.kit.kernel import Kernel
from services.kit.log_watch import LogWatch

log = logging.getLogger(__name__)


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc]
    """Takes partitions over on assignment and forgets them on revocation."""

    def __init__(
        self, kernel: Kernel, watch: LogWatch, consumer: Callable[[], AIOKafkaConsumer | None]
    ) -> None:
        self._kernel = kernel
        self._watch = watch
        self._consumer = consumer
        self._taking = asyncio.Lock()
        #: How often everything was taken away.
        self._revoked = 0
        self.joined = False

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Eager protocol: everything is given up before a new assignment."""
        self.joined = False
        self._revoked += 1
        self._kernel.release((tp.topic, tp.partition) for tp in revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Claim everything anew, maybe nothing.

        What was claimed between revocation and now belongs to the old assignment: no position was sought for it in
        the new one. aiokafka swallows what is raised here, so a failure is tried again at the next poll.
        """
        try:
            async with self._taking:
                self.joined = True
                self._kernel.release(list(self._kernel.claims))
                await self._take(assigned)
        except Exception as error:
            log.warning("claim failed", extra={"consumer": self._kernel.consumer, "error": error_name(error)})

    async def take(self, assigned: set[TopicPartition]) -> None:
        """Claim what is missing. One at a time: two would claim the same partition twice.

        Between revocation and assignment nothing is: aiokafka still names the old partitions then.
        """
        async with self._taking:
            if self.joined:
                await self._take(assigned)

    async def _take(self, assigned: set[TopicPartition]) -> None:
        """Bump epochs, compare log and position, seek; no further once everything was taken away meanwhile."""
        revoked = self._revoked
        missing = sorted(tp for tp in assigned if (tp.topic, tp.partition) not in self._kernel.claims)
        consumer = self._consumer()
        if not missing or consumer is None:
            return
        logs = await self._watch.look(consumer, missing)
        for tp in missing:
            if self._revoked != revoked:
                return
            state = logs[tp]
            claim = await self._kernel.claim(tp.topic, tp.partition, state.topic_id, state.start)
            self._watch.judge(self._kernel, tp, state)
            if tp in consumer.assignment():
                consumer.seek(tp, claim.next_offset)
