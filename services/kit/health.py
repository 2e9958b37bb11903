"""Liveness by progress, readiness by position; neither asks Kafka or PostgreSQL whether it is well."""

import time
from collections.abc import Sequence

from services.kit.publishing import Publishing
from services.kit.shell import Subscription

STALL_SECONDS = 60.0


class Health:
    """What /live and /ready answer."""

    def __init__(self, subscriptions: Sequence[Subscription], publishing: Sequence[Publishing]) -> None:
        self._subscriptions = subscriptions
        self._publishing = publishing
        self.started = False

    def live(self) -> bool:
        """False when records wait that nobody stopped, and nothing has been committed for a minute."""
        now = time.monotonic()
        return not any(
            self._lags(each) and now - each.kernel.progress_at > STALL_SECONDS for each in self._subscriptions
        )

    def ready(self) -> list[str]:
        """Why the service is not ready; empty when it is."""
        reasons = [] if self.started else ["starting"]
        for each in self._subscriptions:
            if each.awaits_partitions:
                reasons.append(f"{each.kernel.consumer} waits for its partitions")
            reasons += [f"{each.kernel.consumer} {topic}: topic is missing" for topic in each.missing_topics]
            reasons += [
                f"{each.kernel.consumer} {topic}/{part}: {why}"
                for (topic, part), why in each.kernel.stopped.items()
            ]
        reasons += ["publishing fails"] if any(p.failing for p in self._publishing) else []
        return reasons

    @staticmethod
    def _lags(subscription: Subscription) -> bool:
        """What the kernel stopped waits for a person: a restart would only bury ten more records."""
        going = {lane: claim for lane, claim in subscription.kernel.claims.items() if not claim.stopped}
        ends = subscription.log_ends()
        return any(end > going[lane].next_offset for lane, end in ends.items() if lane in going)
