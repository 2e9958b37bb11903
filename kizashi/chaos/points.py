"""Named points in the life of a poll at which a process can end or freeze itself; the kernel knows nothing of them.

A point is a method of the kit and the side of it, wrapped in the worker that is to suffer and nowhere else.
"""

import asyncio
import functools
import inspect
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kizashi.chaos.toy.windows import Windows
from services.kit.batcher import Batcher
from services.kit.kernel import Kernel
from services.kit.lanes import AnyHandler
from services.kit.letters import Letters
from services.kit.positions import Positions
from services.kit.publishing import Publishing
from services.kit.rebalancing import Lanes
from services.kit.relay import Relay
from services.notify.sender import Sender

Action = Literal["kill", "freeze", "block"]
Side = Literal["before", "within", "after"]


@dataclass(frozen=True)
class Armed:
    """At the ``hit``-th passage of ``point`` do ``action`` (``block``: hold the event loop so many seconds).

    Passages count only while the file ``when`` exists, if one is named.
    """

    point: str
    action: Action = "kill"
    hit: int = 1
    seconds: float = 0.0
    when: Path | None = None


@dataclass(frozen=True)
class Point:
    """Where it is. ``within`` (the broker has the records, nobody has its answer) is for sending only."""

    text: str
    owner: type[Any]
    method: str
    side: Side


POINTS = {
    "CP1": Point("after fetch, before BEGIN", Kernel, "process", "before"),
    "CP2": Point("after the lock of the position row", Positions, "lock", "after"),
    "CP3": Point("after the handler's first lock", Windows, "lock", "after"),
    "CP4": Point("after the state is written", Windows, "handle", "after"),
    "CP5": Point("before outbox and position are written", Positions, "finish", "before"),
    "CP6": Point("after a dead letter is written", Positions, "bury", "after"),
    "CP7": Point("after outbox and position, before COMMIT", Positions, "finish", "after"),
    "CP8": Point("after COMMIT, before publishing", Publishing, "start", "before"),
    "CP9": Point("on assignment, after the epoch is taken, before seeking", Kernel, "claim", "after"),
    "CP10": Point("on revocation", Lanes, "on_partitions_revoked", "before"),
    "CP11": Point("the relay's rows taken, before sending", Relay, "_send", "before"),
    "CP12": Point("sent, before the acknowledgement", Batcher, "send", "within"),
    "CP13": Point("acknowledged, before the rows are removed", Batcher, "send", "after"),
    "CP14": Point("notify, before a webhook's call", Sender, "_attempt", "before"),
    "CP15": Point("notify, after the answer, before it is noted", Sender, "_attempt", "after"),
    "CP16": Point("a dead letter handled again, before it is closed", Letters, "applied", "before"),
}
#: Those that every poll of a chain may pass.
OF_A_POLL = tuple(name for name, point in POINTS.items() if point.owner not in (Letters, Sender))


def arm(armed: Armed, handler: AnyHandler | None = None) -> None:
    """Wrap the point's method in this process."""
    point = POINTS[armed.point]
    owner = type(handler) if point.owner is Windows else point.owner
    original = getattr(owner, point.method)
    passing = _counted(armed)
    if inspect.iscoroutinefunction(original):
        wrapped = _around(original, point.side, passing)
    else:
        wrapped = _plain(original, passing)
    setattr(owner, point.method, wrapped)


def _counted(armed: Armed) -> Callable[[tuple[Any, ...]], None]:
    passed = 0

    def passing(arguments: tuple[Any, ...]) -> None:
        nonlocal passed
        if armed.point == "CP10" and not arguments[1]:
            return  # the first joining revokes nothing
        if armed.when is not None and not armed.when.exists():
            return
        passed += 1
        if passed == armed.hit:
            act(armed)

    return passing


def act(armed: Armed) -> None:
    """End, freeze or block this process."""
    if armed.action == "block":
        time.sleep(armed.seconds)
    else:
        os.kill(os.getpid(), signal.SIGKILL if armed.action == "kill" else signal.SIGSTOP)


def _plain(original: Callable[..., Any], passing: Callable[[tuple[Any, ...]], None]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        passing(arguments)
        return original(*arguments, **named)

    return wrapped


def _around(
    original: Callable[..., Any], side: Side, passing: Callable[[tuple[Any, ...]], None]
) -> Callable[..., Any]:
    @functools.wraps(original)
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        if side == "before":
            passing(arguments)
        if side != "within":
            result = await original(*arguments, **named)
        else:
            sending = asyncio.ensure_future(original(*arguments, **named))
            await asyncio.wait([sending], timeout=0.002)
            passing(arguments)
            result = await sending
        if side == "after":
            passing(arguments)
        return result

    return wrapped
