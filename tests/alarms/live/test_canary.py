"""The canary for real: it goes through all six services, nobody meets it, nothing is learned from it, it is missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import asyncpg
import httpx
import msgspec
import pytest

from contracts import catalogue, features
from contracts.canary import SCHOOL
from contracts.codes import AttendanceCode, ClockPhase
from kizashi import provision, topology
from kizashi.canary import child
from kizashi.system import System
from tests.e2e.support.bus import Log, Record
from tests.support.prometheus import Prometheus

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120)]
_ARRIVED = 'kizashi_canary_records_total{outcome="arrived"}'
_OVERDUE = 'kizashi_canary_records_total{outcome="overdue"}'
_NAMES = ("カナリア", "計測用", "ケイソクヨウ")
_VIEWER = "f" * 32


async def _until(condition: Callable[[], object], timeout_seconds: float = 30.0) -> None:
    end = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < end, "did not come true"
        await asyncio.sleep(0.1)


def _value(prometheus: Prometheus, expression: str) -> float:
    return sum(prometheus.query(expression))


def _token(system: System) -> str:
    return (provision.secrets_folder(system.data_dir, topology.CANARY) / "ingest-token").read_text("ascii")


async def test_it_goes_through_the_whole_chain_again_and_again(
    system: System, prometheus: Prometheus
) -> None:
    await _until(lambda: _value(prometheus, _ARRIVED) >= 4)
    assert _value(prometheus, 'kizashi_canary_seconds_bucket{le="5.0"}') >= 4
    assert _value(prometheus, "time() - kizashi_canary_last_arrival_timestamp_seconds") < 10
    connection = await system.administrator()
    assert await connection.fetchval("SELECT sum(accepted) FROM ingest.source_tally") > 0
    for service in set(topology.SERVICES) - {"ingest"}:  # it reads no topic of the canary's
        handled = await connection.fetchval(f"SELECT sum(applied) FROM {service}.consumer_position")
        assert handled > 0, service
    await connection.close()


async def test_nobody_is_called_while_all_is_well(prometheus: Prometheus) -> None:
    firing = prometheus.get("query", query='ALERTS{alertstate="firing",level="page"}')["result"]
    assert [each["metric"]["alertname"] for each in firing] == []
    assert prometheus.query('ALERTS{alertstate="firing",level="watchdog"}') == [1]


async def test_nobody_meets_it(system: System) -> None:
    """Neither the board of education, nor a head of that very school, nor who counts alerts."""
    connection = await system.administrator()
    for role, school in (("board", None), ("principal", SCHOOL)):
        await connection.execute(
            "INSERT INTO gateway.granted (grant_id, staff_id, role, school, valid_from, valid_to) "
            "VALUES ($1, $2, $1, $3, '2000-04-01', '2100-04-01')",
            role,
            _VIEWER,
            school,
        )
    await connection.execute("UPDATE gateway.policy SET routing = 'principal_first'")
    assert await _seen_on_pages(connection, ()) == [0, 0, 0, 0, 0, 0, 0, 0]
    without_the_wall = await _seen_on_pages(connection, ("alert", "enrolment"))
    assert all(without_the_wall), without_the_wall
    await connection.close()


async def _seen_on_pages(connection: asyncpg.Connection, torn_down: tuple[str, ...]) -> list[int]:
    """Rows about the child as the pages' role sees them; afterwards everything is as before."""
    tables = ("alert", "alert_reason", "alert_event", "enrolment", "pupil_name", "day_mark")
    transaction = connection.transaction()
    await transaction.start()
    try:
        for table in torn_down:
            await connection.execute(f"DROP POLICY no_canary ON gateway.{table}")
        await connection.execute("SET SESSION AUTHORIZATION gateway_page")
        await connection.execute("SET LOCAL search_path = gateway")
        await connection.execute("SELECT set_config('kizashi.viewer', $1, true)", _VIEWER)
        found = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
        counts = await connection.fetchrow("SELECT * FROM school_counts($1::text[])", [SCHOOL])
        alerts = await connection.fetchrow("SELECT * FROM alerts_today()")
        return [*found, counts["pupils"] + counts["open"], alerts["without_recipient"]]
    finally:
        await transaction.rollback()
        await connection.execute("RESET SESSION AUTHORIZATION")


async def test_it_may_send_for_its_own_school_and_nothing_else(system: System) -> None:
    own = [child.mark(date(2026, 4, 1), AttendanceCode.sick)]
    elsewhere = [msgspec.structs.replace(own[0], school="B101210000018")]
    headers = {"Authorization": f"Bearer {_token(system)}"}
    async with httpx.AsyncClient(base_url=system.ingest_url, headers=headers, trust_env=False) as door:
        for bodies, code in ((own, 202), (elsewhere, 422)):
            answer = await door.post(
                "/v1/events",
                content=child.cloud_events(bodies, datetime.now(UTC)),
                headers={"Content-Type": "application/cloudevents-batch+json"},
            )
            assert answer.status_code == code
        assert (
            await door.post("/v1/clock", json={"date": "2026-04-01", "phase": "close"})
        ).status_code == 403


async def test_it_may_read_its_own_alert_and_nothing_else(system: System) -> None:
    connection = await system.administrator()
    foreign = "e" * 32
    await connection.execute(
        "INSERT INTO gateway.alert (alert_id, linkage_id, school, as_of, raised_version) "
        "VALUES ($1, $1, 'B101210000018', '2026-04-03', 1)",
        foreign,
    )
    await connection.execute(
        "INSERT INTO gateway.alert_reason VALUES ($1, 'attendance', 'attendance', $1, '[]', 1)", foreign
    )
    await connection.close()
    canary = await system.as_role(topology.CANARY_ROLE.name, "gateway")
    assert [row["school"] for row in await canary.fetch("SELECT school FROM alert")] == [SCHOOL]
    assert await canary.fetchval("SELECT count(*) FROM alert_reason WHERE alert_id = $1", foreign) == 0
    for statement in (
        "SELECT linkage_id FROM alert",
        "SELECT * FROM pupil_name",
        "SELECT * FROM enrolment",
        "SELECT * FROM school",
        "SELECT * FROM ingest.api_key",
        "UPDATE alert SET as_of = as_of",
        "DELETE FROM alert_reason",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await canary.fetch(statement)
    await canary.close()


async def test_nothing_is_learned_from_it_whatever_closes(system: System) -> None:
    """Its own days, a day long after them, and the school year's last one."""
    year = child.absence(date.today(), date.min)[0].year
    days = [*child.absence(date.today(), date.min), date(year, 9, 30), date(year + 1, 3, 31)]
    headers = {"Authorization": f"Bearer {await system.api_key('test-clock', ['clock-advanced'])}"}
    async with httpx.AsyncClient(base_url=system.ingest_url, headers=headers, trust_env=False) as door:
        for day in days:
            for phase in ClockPhase:
                answer = await door.post("/v1/clock", json={"date": day.isoformat(), "phase": phase.value})
                assert answer.status_code == 202
    log, told = Log(system.stack.addresses.kafka), list[Record]()
    lanes = catalogue.topics(())["pupil-facts"].partitions
    end = time.monotonic() + 30
    while len(told) < 2 * lanes * len(days):
        assert time.monotonic() < end, "the days did not close"
        told = await asyncio.to_thread(log.read, "labels-matured")
    assert {record.type for record in told} >= {"label-matured", "combined-label-matured"}
    decoder = msgspec.json.Decoder(features.LabelMatured)
    assert not [row for record in told for row in decoder.decode(record.value).rows]


async def test_it_is_missed_when_a_service_of_the_chain_stands_still(
    system: System, prometheus: Prometheus
) -> None:
    notify = system.supervisor.member("notify")
    await asyncio.to_thread(notify.rest)
    arrived, overdue = _value(prometheus, _ARRIVED), _value(prometheus, _OVERDUE)
    await _until(lambda: _value(prometheus, _OVERDUE) > overdue)
    assert _value(prometheus, _ARRIVED) <= arrived + 1
    assert _value(prometheus, "time() - kizashi_canary_last_arrival_timestamp_seconds") > 3
    await _until(lambda: _value(prometheus, "kizashi:canary_late_share:5m") > 0)
    notify.wake()
    await _until(notify.ready)
    arrived = _value(prometheus, _ARRIVED)
    await _until(lambda: _value(prometheus, _ARRIVED) > arrived + 1)


async def test_no_log_no_metric_and_no_bus_beyond_the_names_tells_who_it_is(system: System) -> None:
    connection = await system.administrator()
    (linkage_id,) = {row[0] for row in await connection.fetch("SELECT linkage_id FROM gateway.pupil_name")}
    await connection.close()
    words = [*_NAMES, *(ascii(name)[1:-1] for name in _NAMES)]
    async with httpx.AsyncClient(trust_env=False) as client:
        for member in system.supervisor.members:
            text = (await client.get(f"http://127.0.0.1:{member.port}/metrics")).text
            assert "kizashi_" in text
            assert not [word for word in (*words, linkage_id, SCHOOL) if word in text], member.name
            log = member.log.read_text("utf-8")
            assert not [word for word in (*words, linkage_id) if word in log], member.name
    bus = Log(system.stack.addresses.kafka)
    for topic in catalogue.topics(()).values():
        for record in await asyncio.to_thread(bus.read, topic.name):
            content = record.outside + (b"" if topic.personal == "identified" else record.value)
            assert not [word for word in words if word.encode() in content], topic.name


async def test_notify_counts_nothing_about_it(prometheus: Prometheus) -> None:
    assert set(prometheus.query("kizashi_notify_alerts_total")) == {0}
