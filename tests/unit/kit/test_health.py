"""Liveness: a restart must help. It does not where the kernel stopped and waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from services.kit.claims import Claim
from services.kit.health import STALL_SECONDS, Health
from services.kit.kernel import Kernel
from services.kit.log_watch import LogWatch
from services.kit.publishing import Publishing
from services.kit.settings import KitSettings
from services.kit.shell import Subscription, make_broker
from tests.integration.kit.toy import SOURCE, Toy


class Consumer:
    """What aiokafka knows of two partitions with ten records each."""

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(SOURCE, partition) for partition in (0, 1)}

    def highwater(self, partition: TopicPartition) -> int:
        return 10


@pytest.fixture
def subscription(tmp_path: Path) -> Subscription:
    """A reader of both, whose last progress was more than a minute ago at the fourth record."""
    settings = KitSettings(secrets_dir=tmp_path, kafka_security="PLAINTEXT")
    nowhere = cast(Any, None)
    kernel = Kernel("features", Toy(), nowhere, Publishing("features.facts", lambda: nowhere))
    made = Subscription(make_broker(settings, "features"), kernel, settings, LogWatch(settings, "features"))
    made.subscriber.consumer = cast(Any, Consumer())
    kernel.claims = {(SOURCE, partition): Claim(1, 4, {}) for partition in (0, 1)}
    kernel.progress_at -= STALL_SECONDS + 1
    return made


def live(subscription: Subscription) -> bool:
    return Health([subscription], []).live()


def test_records_that_wait_without_progress_ask_for_a_restart(subscription: Subscription) -> None:
    assert not live(subscription)


def test_progress_and_nothing_that_waits_do_not(subscription: Subscription) -> None:
    subscription.kernel.progress_at += 10
    assert live(subscription)
    subscription.kernel.progress_at -= 10
    for claim in subscription.kernel.claims.values():
        claim.next_offset = 10
    assert live(subscription)


def test_stopped_lanes_wait_for_a_person_and_the_others_still_count(subscription: Subscription) -> None:
    first, second = subscription.kernel.claims.values()
    first.stopped = second.stopped = "bad records"
    assert live(subscription)
    second.stopped = ""
    assert not live(subscription)
