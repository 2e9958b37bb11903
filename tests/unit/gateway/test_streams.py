"""What is told once a minute is not told to everybody in the same second."""

import time
from itertools import pairwise

from services.gateway.sse import Stream


def test_boards_that_were_opened_together_are_not_renewed_together() -> None:
    streams = [Stream("", signalled=True) for _ in range(400)]
    assert all(stream.due(60.0) for stream in streams)
    now = time.monotonic()
    waits = sorted(stream.renew_at - now for stream in streams)
    assert 29.0 < waits[0] < 35.0 and 85.0 < waits[-1] < 90.0
    assert max(later - sooner for sooner, later in pairwise(waits)) < 5.0


def test_what_is_renewed_waits_for_its_time_and_news_do_not() -> None:
    stream = Stream("", signalled=True)
    assert stream.due(60.0)
    stream.renewed = True
    assert not stream.due(60.0)
    stream.wake()
    assert stream.due(60.0)
    stream.renewed, stream.renew_at = True, time.monotonic()
    assert stream.due(60.0)
