"""A year without bus and without six processes: the same handlers, a poll of them as large as a month.

The registry goes first: the state does not depend on the order, and so nobody waits and nothing moves.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from kizashi.replay.ground import Ground, Say, ground
from kizashi.replay.logs import Logs
from kizashi.replay.outcome import Outcome, Progress
from kizashi.replay.state import convergent
from kizashi.replay.worker import Done, Job, Partner, chain_of, uncollected, work
from kizashi.replay.year import Year


class ReplayFailed(RuntimeError):
    """A worker ended before its year; what went wrong stands above, in its own words."""


async def run(
    year: Year, folder: Path, *, seed: int, workers: int, close: bool, say: Say, progress: Progress
) -> Outcome:
    """Replay a year on a new database in ``folder``.

    Raises:
        ReplayFailed: a worker did not come through.
    """
    async with ground(folder, seed, say) as place:
        say("registry")
        began = time.perf_counter()
        await _registry(year, place)
        registered = time.perf_counter() - began
        say(f"registry: {registered:.1f} s; records")
        parts = await _share(year, place, workers, close, progress)
        say("the state is read")
        connection = await place.administrator()
        try:
            state = await convergent(connection)
        finally:
            await connection.close()
    return Outcome(
        records=sum(each.records for part in parts for each in part),
        registry_seconds=registered,
        making_seconds=sum(max(each.making_seconds for each in part) for part in parts),
        seconds=sum(max(each.seconds for each in part) for part in parts),
        state=state,
    )


async def _registry(year: Year, place: Ground) -> None:
    logs, partner = Logs(), Partner(None)
    async with chain_of(place.settings, logs, partner) as (whole, places):
        with uncollected():
            places.put(logs, year.registry())
            await whole.settle()


async def _share(
    year: Year, place: Ground, workers: int, close: bool, progress: Progress
) -> list[tuple[Done, ...]]:
    """Let the workers replay; for each part of the year what each of them told."""
    running, reports = _start(year, place, workers, close)
    found = []
    try:
        for _ in range(year.parts):
            done = tuple([await asyncio.to_thread(_told, report) for report in reports])
            progress(sum(each.records for each in done))
            found.append(done)
    finally:
        await asyncio.to_thread(_end, running)
    return found


def _told(report: Connection) -> Done:
    try:
        done: Done = report.recv()
    except EOFError:
        raise ReplayFailed("a worker ended before its year did") from None
    return done


def _start(
    year: Year, place: Ground, workers: int, close: bool
) -> tuple[list[BaseProcess], list[Connection]]:
    fresh = multiprocessing.get_context("spawn")
    peers: Sequence[Connection | None] = fresh.Pipe() if workers == 2 else (None,)
    running: list[BaseProcess] = []
    reports = []
    for number, peer in enumerate(peers):
        mine, theirs = fresh.Pipe(duplex=False)
        job = Job(number, len(peers), place.settings, year, close, peer, theirs)
        process = fresh.Process(target=work, args=(job,), daemon=True)
        process.start()
        running.append(process)
        reports.append(mine)
        theirs.close()
    for peer in peers:
        if peer is not None:
            peer.close()  # so that a worker who dies is noticed by the other
    return running, reports


def _end(running: Sequence[BaseProcess]) -> None:
    for process in running:
        process.join(timeout=10.0)
        with suppress(ValueError):
            if process.is_alive():
                process.kill()
                process.join()
