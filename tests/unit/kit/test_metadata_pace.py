"""Metadata is not asked for in a loop without a pause."""

from __future__ import annotations

import inspect

import pytest
from aiokafka.client import AIOKafkaClient

from services.kit.metadata_pace import ANSWERED_SECONDS, UNANSWERED_SECONDS, Pace


def test_the_method_that_is_replaced_is_still_the_one_that_asks() -> None:
    assert "await self._metadata_update(" in inspect.getsource(AIOKafkaClient._md_synchronizer)


def test_the_first_question_is_not_held_up() -> None:
    assert Pace().pause_seconds(5.0) == 0.0


@pytest.mark.parametrize(("answered", "seconds"), [(True, ANSWERED_SECONDS), (False, UNANSWERED_SECONDS)])
def test_the_next_waits_longer_where_nobody_answered(answered: bool, seconds: float) -> None:
    pace = Pace()
    pace.ended(answered, 5.0)
    assert pace.pause_seconds(5.0) == pytest.approx(seconds)
    assert pace.pause_seconds(5.0 + seconds / 2) == pytest.approx(seconds / 2)
    assert pace.pause_seconds(6.0) == 0.0
