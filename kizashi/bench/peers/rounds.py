"""Contenders by turns on one broker: each round everybody once, the first of one round the last of the next."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kizashi.bench import processor
from kizashi.bench.peers import contenders, tasks, window
from kizashi.bench.peers.contenders import KERNEL_SOURCE, PLAIN_SOURCE, Place, ProgramRun, Run
from kizashi.bench.peers.environments import PEERS, NotInstalled, Peer, python_of, version_of
from kizashi.chaos.bus import Bus
from kizashi.system import running

Say = Callable[[str], None]
PLAIN, KERNEL, FEATURES = "plain aiokafka", "Kizashi kernel", "Kizashi features service"
_LOOK_SECONDS = 0.05


class WrongCounts(RuntimeError):
    """A contender told counts that differ from the truth; the text says how many."""


@dataclass(frozen=True)
class Plan:
    """How much: ``events`` lie in each topic, the clock runs from ``warm_up`` events on for at most ``seconds``."""

    children: int = 6000
    events: int = 200_000
    warm_up: int = 20_000
    seconds: float = 5.0
    rounds: int = 5


@dataclass
class Found:
    """What the rounds gave."""

    samples: list[dict[str, Any]]
    peers: dict[str, dict[str, str]]
    checked: dict[str, int]


async def measure(plan: Plan, folder: Path, say: Say, peers: Sequence[Peer] = PEERS) -> Found:
    """Run all rounds on a stack of its own in ``folder``.

    Raises:
        WrongCounts: a contender counts wrongly.
        StartFailed, TimeoutError: one does not begin, or ends.
    """
    found = Found([], {}, {})
    pythons = await asyncio.to_thread(_environments, peers, found, say)
    extra = {"*": {"KIZASHI_LOG_LEVEL": "WARNING"}}
    async with running(folder, kind="demo", broker="kafka", extra=extra, services=(), say=say) as system:
        scratch = folder / "peers"
        scratch.mkdir()
        bus = Bus(system.stack.addresses.kafka)
        place = Place(system, bus, scratch, facts=tasks.Facts(plan.children))
        say("topics are filled")
        await asyncio.to_thread(_fill, bus, plan)
        await contenders.prepare_features(place, say)
        names = [PLAIN, KERNEL, *pythons, FEATURES]
        for number in range(plan.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                run = await _start(place, plan, name, pythons)
                sample = await _timed(place, plan, name, run)
                found.samples.append({"round": number, **sample})
                say(f"round {number + 1}, {name}: {sample['events_per_second']:,} events/s")
                if isinstance(run, ProgramRun) and name not in found.checked:
                    found.checked[name] = await asyncio.to_thread(_checked, bus, run, name)
    return found


def _environments(peers: Sequence[Peer], found: Found, say: Say) -> dict[str, tuple[Peer, Path]]:
    pythons = {}
    for peer in peers:
        about = {"package": peer.needs[0], "released": peer.released, "licence": peer.licence}
        say(f"{peer.name}: environment")
        try:
            python = python_of(peer)
            about["version"] = version_of(peer, python)
            pythons[peer.name] = (peer, python)
        except NotInstalled as problem:
            about["missing"] = str(problem)
            say(f"{peer.name} takes no part: {problem}")
        found.peers[peer.name] = about
    return pythons


def _fill(bus: Bus, plan: Plan) -> None:
    bus.create([PLAIN_SOURCE, KERNEL_SOURCE], window.PARTITIONS)
    for topic, enveloped in ((PLAIN_SOURCE, False), (KERNEL_SOURCE, True)):
        part = list(tasks.messages(topic, plan.children, plan.events, enveloped))
        for start in range(0, len(part), 50_000):  # the client holds no more than 100,000 at once
            bus.send(part[start : start + 50_000])


async def _start(place: Place, plan: Plan, name: str, pythons: dict[str, tuple[Peer, Path]]) -> Run:
    if name == PLAIN:
        return await contenders.start_program(place, "kizashi.bench.peers.plain", Path(sys.executable))
    if name == KERNEL:
        return await contenders.start_kernel(place)
    if name == FEATURES:
        return await contenders.start_features(place, plan.warm_up + plan.events // 3)
    peer, python = pythons[name]
    return await contenders.start_program(place, peer.module, python)


async def _timed(place: Place, plan: Plan, name: str, run: Run) -> dict[str, Any]:
    """Events per second and processor time per event between the warm-up and the end.

    Raises:
        ValueError: everything was done before the clock was looked at: of few events one poll takes all.
        TimeoutError: it does not begin.
    """
    last = plan.events if name != FEATURES else plan.warm_up + plan.events // 3
    try:
        began = time.monotonic()
        while await run.done() < plan.warm_up:
            run.check_alive()
            if time.monotonic() - began > contenders.START_SECONDS:
                raise TimeoutError(f"{name} does not begin")
            await asyncio.sleep(_LOOK_SECONDS)
        pids = {"program": run.pid, **place.system.stack.pids}
        first, spent, clock = await run.done(), processor.all_seconds(pids), time.perf_counter()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            done, now = await run.done(), time.perf_counter()
            if done >= last or now - clock >= plan.seconds:
                break
            run.check_alive()
        after = processor.all_seconds(pids)
    finally:
        await run.stop()
    if done == first:
        raise ValueError(f"{name} was through before it could be timed: ask for more --events")
    micros = processor.micros(spent, after, done - first)
    return {
        "contender": name,
        "events": done - first,
        "events_per_second": round((done - first) / (now - clock)),
        "cpu_us": {key: micros[key] for key in ("program", "postgres", "kafka")},
    }


class _Told(msgspec.Struct):
    child: str
    day: int
    last5: int
    last10: int
    last20: int


def _checked(bus: Bus, run: ProgramRun, name: str) -> int:
    """Every count that a contender told against the truth; how many there were.

    Raises:
        WrongCounts: one differs.
    """
    decode = msgspec.json.Decoder(_Told).decode
    entries = [e for lane in bus.read(run.order.target, window.PARTITIONS).values() for e in lane]
    wrong = 0
    for entry in entries:
        told = decode(entry.value or b"")
        truth = window.truth(int(told.child, 16), told.day)
        wrong += (told.last5, told.last10, told.last20) != truth
    if wrong or not entries:
        raise WrongCounts(f"{name}: {wrong} of {len(entries)} counts are wrong")
    return len(entries)
