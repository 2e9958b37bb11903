"""Each source's last event on the operators' page: a feed that has stopped is the first of the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import operations
from contracts.envelope import Event
from services.gateway.feed.operations import Operations
from tests.integration.gateway import city
from tests.integration.gateway.house import House, decode

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2025, 6, 16, 0, 30, tzinfo=UTC)


def told(seconds: int, *lines: operations.SourceLine) -> Event:
    """What ingest says of its sources."""
    at = NOW + timedelta(seconds=seconds)
    return city.event(operations.SourcesTallied(list(lines), at), at)


async def test_operators_see_the_last_event_of_each_source_the_longest_silent_first(house: House) -> None:
    operator = await house.sign_in("operator")
    assert decode(await operator.get("/v1/operations"))["confirmed"]["sources"] == []  # type: ignore[index]
    older = told(0, operations.SourceLine("gone", 5, 0, NOW))
    newest = told(
        5,
        operations.SourceLine("koumu", 41_210, 3, NOW),
        operations.SourceLine("hokenshitsu", 310, 0, NOW - timedelta(days=2)),
        operations.SourceLine("kokoron", 0, 12, None),
    )
    for batch in ([newest], [older, newest], [older]):
        await city.feed(house.feed, Operations(), batch)
    page = decode(await operator.get("/v1/operations"))
    found = page["confirmed"]["sources"]  # type: ignore[index]
    assert [(each["source"], each["accepted"], each["refused"]) for each in found] == [
        ("kokoron", 0, 12),
        ("hokenshitsu", 310, 0),
        ("koumu", 41_210, 3),
    ]
    assert found[0]["last_event_at"] is None
    assert datetime.fromisoformat(found[1]["last_event_at"]) == NOW - timedelta(days=2)
    text = (await operator.get("/operations")).text
    assert "送り元ごとの最後の記録" in text and "まだありません" in text
    assert text.index("kokoron") < text.index("hokenshitsu") < text.index("koumu")


@pytest.mark.parametrize("name", ["homeroom A51", "principal", "board"])
async def test_nobody_else_does(house: House, name: str) -> None:
    client = await house.sign_in(name)
    assert (await client.get("/v1/operations")).status_code == 404
