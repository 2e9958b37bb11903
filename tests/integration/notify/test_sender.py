"""The webhook against a real receiver: signed, tried again, never led astray, one id for each thing said."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from contracts.alerts import AlertDelivered, AlertDeliveryFailed, AlertDeliveryQueued, AlertRaised
from contracts.envelope import from_headers
from contracts.facts import PupilErased
from contracts.registry import decoder
from services.kit.batcher import Batcher
from services.kit.outgoing import unpack
from services.kit.publishing import Publishing
from services.kit.relay import Relay
from services.notify.destination import ForbiddenDestination
from services.notify.sender import Sender
from services.notify.settings import Settings
from services.notify.webhook import BACKOFF_SECONDS
from tests.integration.notify import receiver as answers
from tests.integration.notify.bench import Bench, event
from tests.integration.notify.receiver import Answer, Receiver, receiver, status
from tests.unit.notify.samples import assessed, child, name_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = b"0123456789abcdef0123456789abcdef"
TIMEOUT_SECONDS = 1.0


@pytest_asyncio.fixture(loop_scope="module")
async def thermo() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


def configured(folder: Path, url: str, private_hosts: str = "127.0.0.1") -> Settings:
    (folder / "webhook-key").write_bytes(KEY)
    return Settings(
        secrets_dir=folder,
        webhook_url=url,
        webhook_private_hosts=private_hosts,
        webhook_timeout_seconds=TIMEOUT_SECONDS,
    )


@pytest.fixture
def settings(tmp_path: Path, thermo: Receiver) -> Settings:
    return configured(tmp_path, thermo.url)


def make(pool: asyncpg.Pool, settings: Settings) -> Sender:
    relay = Relay("notify", pool, Publishing("notify.relay", lambda: Batcher(settings, "notify")))
    return Sender(pool, relay, settings.secret("webhook-key"), settings)


@pytest_asyncio.fixture(loop_scope="module")
async def sender(pool: asyncpg.Pool, settings: Settings) -> Sender:
    return make(pool, settings)


async def raise_alerts(bench: Bench, *numbers: int, version: int = 10) -> None:
    await bench.count(1000, assessed().as_of)
    await bench.assess(*(assessed(number, version=version) for number in numbers))


async def deliveries(bench: Bench) -> dict[str, asyncpg.Record]:
    return {row["delivery_id"]: row for row in await bench.rows("delivery")}


async def hurry(bench: Bench) -> None:
    """Let the pauses pass."""
    await bench.pool.execute("UPDATE delivery SET next_at = now() - interval '1 second'")


async def told(bench: Bench) -> list[object]:
    """What the sender has to say on the bus."""
    found: list[object] = []
    for row in await bench.rows("relay_outbox"):
        found += [
            decoder(from_headers(each.headers).type).decode(each.value) for each in unpack(row["events"])
        ]
    return found


async def reported(bench: Bench) -> list[AlertDelivered]:
    """Deliveries that wait to be told on the bus."""
    return [body for body in await told(bench) if isinstance(body, AlertDelivered)]


async def test_an_alert_that_interrupts_is_said_once_signed_and_thin(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    await raise_alerts(bench, 1)
    assert await sender.round() == 1
    assert await sender.round() == 0
    [request] = thermo.requests
    thermo.verify(KEY)
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{thermo.port}"
    assert json.loads(request.body)["type"] == "alert.raised"
    secrets = (child(1), name_of(), assessed().school)
    assert not any(secret in request.body.decode() + str(request.headers) for secret in secrets)
    [body] = await reported(bench)
    assert (body.alert_id, body.delivery_id, body.channel) == (name_of(), request.id, "webhook")


async def test_the_same_alert_on_later_days_is_not_said_again(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    for version in (10, 11, 12):
        await raise_alerts(bench, 1, version=version)
    await sender.round()
    assert len(thermo.ids) == 1


async def test_each_life_of_an_alert_has_its_own_ids(bench: Bench, sender: Sender, thermo: Receiver) -> None:
    for version, band in [(10, 1), (20, 0), (30, 1), (40, 0)]:
        await bench.assess(assessed(band=band, version=version))
        await sender.round()
    types = [json.loads(request.body)["type"] for request in thermo.requests]
    assert types == ["alert.raised", "alert.retracted"] * 2
    assert len(set(thermo.ids)) == 4


async def test_what_is_held_is_not_said_neither_that_it_went(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    await bench.assess(*(assessed(number, version=10) for number in range(1, 6)))
    await bench.assess(*(assessed(number, 0, version=20) for number in range(1, 6)))
    while await sender.round():
        pass
    assert len(thermo.ids) == len(set(thermo.ids)) == 6


@pytest.mark.parametrize(
    "answer",
    [
        status(500),
        status(404),
        status(302, "location: http://127.0.0.1:1/elsewhere"),
        answers.silence,
        answers.dripping_headers,
        answers.hang_up,
    ],
    ids=["500", "404", "redirect", "silence", "dripping", "hang-up"],
)
async def test_without_a_good_answer_it_is_tried_again_with_the_same_id(
    bench: Bench, sender: Sender, thermo: Receiver, answer: Answer
) -> None:
    await raise_alerts(bench, 1)
    thermo.answer = answer
    began = time.monotonic()
    await sender.round()
    assert time.monotonic() - began < TIMEOUT_SECONDS + 3
    assert await sender.round() == 0
    assert await reported(bench) == []
    thermo.answer = status(204)
    await hurry(bench)
    await sender.round()
    assert len(thermo.ids) == 2
    assert len(set(thermo.ids)) == 1
    assert len(await reported(bench)) == 1


async def test_a_slow_body_is_not_waited_for(bench: Bench, sender: Sender, thermo: Receiver) -> None:
    await raise_alerts(bench, 1)
    thermo.answer = answers.endless_body
    began = time.monotonic()
    await sender.round()
    assert time.monotonic() - began < TIMEOUT_SECONDS
    assert [row["status"] for row in (await deliveries(bench)).values()] == ["sent"]


async def test_a_redirect_to_this_machine_is_not_followed(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    async with receiver() as inside:
        thermo.answer = status(307, f"location: {inside.url}")
        await raise_alerts(bench, 1)
        await sender.round()
        assert inside.requests == []
    assert len(thermo.requests) == 1


async def test_410_ends_a_delivery(bench: Bench, sender: Sender, thermo: Receiver) -> None:
    await raise_alerts(bench, 1)
    thermo.answer = status(410)
    await sender.round()
    await hurry(bench)
    assert await sender.round() == 0
    [(name, row)] = (await deliveries(bench)).items()
    assert row["status"] == "failed"
    [body] = await told(bench)
    assert isinstance(body, AlertDeliveryFailed)
    assert (body.alert_id, body.delivery_id, body.news, body.attempts) == (name_of(), name, "raised", 1)


async def test_a_withdrawal_that_is_given_up_is_told_and_one_that_arrived_is_not(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    await raise_alerts(bench, 1)
    await sender.round()
    await bench.assess(assessed(version=20, band=0))
    await sender.round()
    assert [type(body) for body in await told(bench)] == [AlertDelivered]
    await bench.assess(assessed(version=30))
    await sender.round()
    await bench.assess(assessed(version=40, band=0))
    thermo.answer = status(410)
    await sender.round()
    assert [type(body) for body in await told(bench)][1:] == [AlertDelivered, AlertDeliveryFailed]
    assert (await told(bench))[-1].news == "retracted"  # type: ignore[attr-defined]


async def test_readers_hear_of_a_message_after_its_alert_and_before_it_is_sent(
    bench: Bench, thermo: Receiver
) -> None:
    await raise_alerts(bench, 1)
    assert thermo.requests == []
    raised, queued = (out.body for out in bench.sent)
    assert isinstance(raised, AlertRaised) and isinstance(queued, AlertDeliveryQueued)
    assert {queued.delivery_id} == set(await deliveries(bench))
    assert (queued.alert_id, queued.linkage_id, queued.receiver) == (name_of(), child(1), "thermo")
    [_, first] = bench.sent
    await bench.clear()  # restored to before, and read again
    await raise_alerts(bench, 1)
    assert [out.id for out in bench.sent if isinstance(out.body, AlertDeliveryQueued)] == [first.id]


async def test_attempts_follow_the_schedule_and_end(bench: Bench, sender: Sender, thermo: Receiver) -> None:
    await raise_alerts(bench, 1)
    thermo.answer = status(503)
    for pause_seconds in (*BACKOFF_SECONDS, None):
        assert await sender.round() == 1
        [row] = await bench.pool.fetch(
            "SELECT status, extract(epoch FROM next_at - now())::float AS wait FROM delivery"
        )
        if pause_seconds is None:
            assert row["status"] == "failed"
        else:
            assert 0.8 * pause_seconds - 2 < row["wait"] < 1.2 * pause_seconds + 2
        await hurry(bench)
    assert await sender.round() == 0
    assert len(thermo.ids) == len(BACKOFF_SECONDS) + 1


async def test_killed_between_the_answer_and_the_mark_it_is_sent_again_with_the_same_id(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    await raise_alerts(bench, 1)
    answered = asyncio.Event()

    async def answer_then_hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered.set()
        await answers.silence(reader, writer)

    thermo.answer = answer_then_hold
    attempt = asyncio.create_task(sender.round())
    await answered.wait()
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    [before] = (await deliveries(bench)).values()
    assert (before["status"], before["attempts"]) == ("waiting", 0)
    assert await sender.round() == 0  # the claim still holds
    await hurry(bench)
    thermo.answer = status(200)
    await sender.round()
    assert len(thermo.ids) == 2
    assert len(set(thermo.ids)) == 1
    assert len(await reported(bench)) == 1


async def test_two_senders_share_what_is_due(
    bench: Bench, pool: asyncpg.Pool, settings: Settings, thermo: Receiver
) -> None:
    await raise_alerts(bench, *range(1, 13))
    senders = [make(pool, settings) for _ in range(2)]
    while sum(await asyncio.gather(*(each.round() for each in senders))):
        pass
    assert len(thermo.ids) == len(set(thermo.ids)) == 12


async def test_a_receiver_that_fails_at_random_hears_of_every_alert(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    """Distinct ids are the alerts, whatever happens on the way."""
    faults = [status(500), answers.hang_up, status(200), status(302), status(200), status(429)]
    turns = iter(range(10_000))

    async def fault(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await faults[next(turns) % len(faults)](reader, writer)

    thermo.answer = fault
    await raise_alerts(bench, *range(1, 16))
    for _ in range(60):
        await sender.round()
        await bench.pool.execute("UPDATE delivery SET next_at = now() WHERE status = 'waiting'")
    placed = [row for row in await bench.rows("alert") if row["placed_in"] is not None]
    assert len(set(thermo.ids)) == len(placed) == 15
    assert {row["status"] for row in (await deliveries(bench)).values()} == {"sent"}
    assert sorted(body.delivery_id for body in await reported(bench)) == sorted(set(thermo.ids))
    thermo.verify(KEY)


async def test_nothing_is_sent_or_told_of_a_child_erased_meanwhile(
    bench: Bench, sender: Sender, thermo: Receiver
) -> None:
    await raise_alerts(bench, 1, 2)
    gone = event(PupilErased(child(1)))

    async def erase_then_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bench.poll(bench.risks, {0: [gone]})
        await status(200)(reader, writer)

    thermo.answer = erase_then_answer
    await sender.round()
    assert [body.linkage_id for body in await reported(bench)] == [child(2)]
    assert [row["linkage_id"] for row in await bench.rows("delivery")] == [child(2)]


async def test_a_private_address_that_is_not_listed_is_never_called(
    bench: Bench, pool: asyncpg.Pool, thermo: Receiver, tmp_path: Path
) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        settings = configured(tmp_path, f"https://{host}:{thermo.port}/hook", private_hosts="thermo.internal")
        await bench.clear()
        await Bench(pool, settings).assess(assessed(1))
        sender = make(pool, settings)
        assert await sender.round() == 1
        [row] = (await deliveries(bench)).values()
        assert (row["status"], row["attempts"]) == ("waiting", 1)
    assert thermo.requests == []


@pytest.mark.parametrize("url", ["http://thermo.example.jp/hook", "https://a:b@thermo.example.jp/", "thermo"])
async def test_an_address_that_may_not_be_called_stops_the_start(
    pool: asyncpg.Pool, tmp_path: Path, url: str
) -> None:
    settings = configured(tmp_path, url)
    with pytest.raises(ForbiddenDestination):
        make(pool, settings)
