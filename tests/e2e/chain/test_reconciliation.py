"""The number that must be 0, read from six services: it shows what was lost between two of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.e2e.support.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

#: As if the last two events of a lane, acknowledged long ago, had never come to the end of the log.
_TWO_AT_THE_END = """
UPDATE identity.consumer_position AS p SET emitted = jsonb_set(emitted::jsonb, ARRAY[target], to_jsonb(count + 2))::text
FROM (
    SELECT consumer, topic, partition, key AS target, value::bigint AS count
    FROM identity.consumer_position, jsonb_each_text(emitted::jsonb) WHERE key LIKE 'pupil-facts/%' LIMIT 1
) AS one
WHERE (p.consumer, p.topic, p.partition) = (one.consumer, one.topic, one.partition)
"""
#: As if three had been jumped over.
_THREE_IN_THE_MIDDLE = """
UPDATE notify.consumer_position SET seen = jsonb_set(seen::jsonb, '{holes}', '3')::text
WHERE ctid = (SELECT ctid FROM notify.consumer_position WHERE seen <> '{}' LIMIT 1)
"""


async def differences(town: Town, connection: asyncpg.Connection, change: str) -> dict[str, int]:
    """What is left over at rest if ``change`` had happened; it is taken back."""
    async with asyncio.timeout(60):
        while True:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(change)
                standings = await town.gauges.standings(connection)
            finally:
                await transaction.rollback()
            if not any(each.lag for each in standings):  # pulses never rest for long
                return {each.consumer: each.difference for each in standings if each.difference}
            await asyncio.sleep(0.1)


async def test_what_was_lost_between_two_services_is_in_the_number(town: Town) -> None:
    await town.settle()
    connection = await town.system.administrator()
    try:
        assert await differences(town, connection, "SELECT 1") == {}
        readers = await differences(town, connection, _TWO_AT_THE_END)
        assert readers["features.facts"] == 2
        assert set(readers.values()) == {2}, "each reader of the topic misses them"
        (jumped,) = (await differences(town, connection, _THREE_IN_THE_MIDDLE)).values()
        assert jumped == 3
    finally:
        await connection.close()


async def test_what_the_door_and_the_relays_send_is_followed(town: Town) -> None:
    connection = await town.system.administrator()
    try:
        followed = await connection.fetchval(
            "SELECT string_agg(seen, '') FROM identity.consumer_position WHERE topic = 'records'"
        )
        heard = await connection.fetchval(
            "SELECT string_agg(seen, '') FROM gateway.consumer_position WHERE topic = 'operations'"
        )
    finally:
        await connection.close()
    assert '"ingest~' in followed
    assert '"identity.relay~' in heard
