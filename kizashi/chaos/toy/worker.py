"""One stage as a process of its own: the real process of the kit around the toy's handler.

Forked from a process that has imported everything (0.1 s instead of 2 s), so that hundreds of deaths
are affordable. It ends with whoever started it.
"""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvloop

from kizashi.chaos.clock import shifted
from kizashi.chaos.mutants import MUTANTS, Mutant
from kizashi.chaos.points import Armed, arm
from kizashi.chaos.toy.fold import Fold
from kizashi.chaos.toy.language import taught
from kizashi.chaos.toy.windows import Windows
from services.kit import app, database, logs, membership, shell
from services.kit.app import Kit, Parts, Process
from services.kit.claims import Claim, TopicPartition
from services.kit.database import open_pool
from services.kit.decoding import Slice
from services.kit.kernel import Kernel
from services.kit.lanes import Effects, Transaction
from services.kit.settings import KitSettings

_PR_SET_PDEATHSIG = 1


@dataclass
class Order:
    """What a worker is to be. ``environment`` are the kit's own settings."""

    run: str
    stage: str
    environment: dict[str, str]
    log: Path
    armed: tuple[Armed, ...] = ()
    mutant: str = ""
    slow_seconds: float = 0.002
    session_timeout_ms: int = 6_000
    watch_seconds: float = 1.0
    lock_wait_seconds: float = 20.0
    clock_shift_seconds: float = 0.0
    idle_transaction_seconds: float = 60.0
    #: Doubtful records are refused until this file exists, if one is named.
    mended: Path | None = None


def context() -> ForkServerContext:
    """Where workers are forked from."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__])
    return found


def run(order: Order) -> None:
    """Be the stage until SIGTERM, or until a point ends it."""
    end_with_parent()
    _end_with_starter()
    write_to(order.log)
    os.environ.update(order.environment)
    mutant = MUTANTS[order.mutant]
    with ExitStack() as stack:
        stack.enter_context(taught(order.run))
        stack.enter_context(shifted(order.clock_shift_seconds))
        for target, name, value in _changes(order, mutant):
            stack.enter_context(patch.object(target, name, value))
        uvloop.run(_serve(order, mutant))


def _changes(order: Order, mutant: Mutant) -> list[tuple[Any, str, Any]]:
    return [
        *mutant.changes,
        (app, "Kernel", mutant.kernel),
        (app, "Publishing", mutant.publishing),
        (app, "LogWatch", mutant.watch),
        (app, "InstanceLock", mutant.lock),
        (app, "WATCH_SECONDS", order.watch_seconds),
        (shell, "SESSION_TIMEOUT_MS", order.session_timeout_ms),
        (shell, "METADATA_MAX_AGE_MS", 2_000),
        (database, "IDLE_TRANSACTION_SECONDS", order.idle_transaction_seconds * mutant.idle_limit),
        (membership, "WAIT_SECONDS", order.lock_wait_seconds),
    ]


async def _serve(order: Order, mutant: Mutant) -> None:
    settings = KitSettings()  # type: ignore[call-arg]  # from the environment
    logs.configure(settings.log_level)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    pool = await open_pool(settings, order.stage, "postgres")
    kind = mutant.windows if order.stage == "windows" else mutant.fold
    handler = kind(order.run, order.slow_seconds)
    handler.mended = order.mended
    for armed in order.armed:
        arm(armed, handler)
    process = Process(
        Kit(f"chaos-{order.run}-{order.stage}", settings, pool, "postgres"), Parts(handlers=[handler])
    )
    kernel = process.kernels[0]
    with patch.object(kernel, "_handle", _noting(kernel, handler)):
        try:
            await process.start()
            await stopping.wait()
        finally:
            await process.stop()


def _noting(kernel: Kernel, handler: Windows | Fold) -> Callable[..., Awaitable[Effects]]:
    """The kernel's call of the handler, which now knows the epoch of the claim that the poll began with.

    A former owner's claims are gone from the kernel by the time it commits, if its group has told it.
    """

    def now(topic: str, partition: int) -> int | None:
        claim = kernel.claims.get((topic, partition))
        return claim.epoch if claim else None

    handle = kernel._handle

    async def noting(tx: Transaction, group: Sequence[Slice], claims: dict[TopicPartition, Claim]) -> Effects:
        handler.claimed = lambda topic, partition: claims[topic, partition].epoch
        try:
            return await handle(tx, group, claims)
        finally:
            handler.claimed = now

    handler.claimed = now
    return noting


def end_with_parent() -> None:
    """The kernel of this machine ends the worker when the process that forked it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with_starter() -> None:
    """End when the process ends that asked for this one.

    Its parent is the process that forks, which lives as long as any of its children does.
    """
    starter = multiprocessing.parent_process()
    if starter is None:
        return

    def watch() -> None:
        starter.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def write_to(log: Path) -> None:
    """Whatever this process says goes to ``log``."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
