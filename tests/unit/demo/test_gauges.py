"""Log ends are asked for again while the broker is not itself, and only then."""

from __future__ import annotations

from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from kizashi.demo.gauges import Gauges
from kizashi.system import System

LANE = ("risk-assessed", 0)


class Answering(Gauges):
    """Gauges whose broker gives these answers in turn."""

    def __init__(self, *answers: int) -> None:
        super().__init__(cast(System, None))
        self.answers = list(answers)

    def _ends_once(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        answer = self.answers.pop(0)
        if answer:
            raise KafkaException(KafkaError(answer))
        return dict.fromkeys(lanes, 7)


async def test_a_leader_chosen_anew_is_asked_again() -> None:
    gauges = Answering(KafkaError.FENCED_LEADER_EPOCH, KafkaError._NOENT, 0)
    assert await gauges._ask_ends([LANE]) == {LANE: 7}
    assert not gauges.answers


async def test_what_waiting_cannot_mend_is_told_at_once() -> None:
    gauges = Answering(KafkaError.TOPIC_AUTHORIZATION_FAILED, 0)
    with pytest.raises(KafkaException):
        await gauges._ask_ends([LANE])
    assert gauges.answers == [0]
