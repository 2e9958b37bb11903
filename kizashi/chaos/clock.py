"""A wrong clock for one process: everything that Python code in it reads as now is shifted."""

import datetime as real
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def shifted(seconds: float) -> Iterator[None]:
    """``time.time`` and ``datetime.now`` of the project's modules are off by ``seconds`` inside the block.

    Libraries and the monotonic clock stay right, as they do when an operator sets the clock of a host.
    """
    if not seconds:
        yield
        return
    now = time.time
    offset = real.timedelta(seconds=seconds)

    class Shifted(real.datetime):
        @classmethod
        def now(cls, tz: real.tzinfo | None = None) -> Any:
            return real.datetime.now(tz) + offset

    with ExitStack() as stack:
        stack.enter_context(patch.object(time, "time", lambda: now() + seconds))
        for name, module in list(sys.modules.items()):
            if name.startswith(("services.kit", "kizashi.chaos.toy")) and (
                getattr(module, "datetime", None) is real.datetime
            ):
                stack.enter_context(patch.object(module, "datetime", Shifted))
        yield
