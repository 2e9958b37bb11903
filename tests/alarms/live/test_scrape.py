"""Whatever a rule or a dashboard looks at exists where the services run: by its name and by its labels.

A counter with labels has no series before the first event of its kind: what alarms count begins at 0, the rest is
brought about here.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import date

import httpx
import pytest
import pytest_asyncio

from contracts.codes import StaffRole
from kizashi import provision, topology
from kizashi.system import System
from kizashi.visitor import Visitor
from services.gateway.passwords import Passwords
from services.gateway.store import demonstration, people
from services.kit.ids import derived_id
from tests.alarms import watched
from tests.support.prometheus import Prometheus
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(120)]
_BOARD = "d" * 32
_SIGN_IN_NAME = "education-board"


@pytest_asyncio.fixture(loop_scope="package", scope="module")
async def member_of_the_board(system: System) -> Visitor:
    """Somebody of the board of education, signed in at the second try."""
    account, password = derived_id("test", _BOARD), secrets.token_urlsafe(16)
    owner = await system.as_role("gateway_owner", "gateway")
    role = StaffRole.board
    await demonstration.keep_account(owner, account, _SIGN_IN_NAME, _BOARD, "教育委員会", role)
    await people.replace_password(owner, account, secrets.token_hex(16), await Passwords().hash(password))
    ever = (date(2000, 4, 1), date(2100, 4, 1))
    await people.add_grant(owner, derived_id("grant", _BOARD), _BOARD, role, None, (), *ever, None)
    await owner.close()
    visitor = Visitor(system.gateway_url)
    with pytest.raises(PermissionError):
        await visitor.sign_in(_SIGN_IN_NAME, secrets.token_urlsafe(16))
    await visitor.sign_in(_SIGN_IN_NAME, password)
    return visitor


@pytest_asyncio.fixture(loop_scope="package", scope="module", autouse=True)
async def events(system: System, member_of_the_board: Visitor) -> None:
    """What a healthy day has: a read, a refused read, a refused record, a caller without a key."""
    connection = await system.administrator()
    (linkage_id,) = {row[0] for row in await connection.fetch("SELECT linkage_id FROM gateway.pupil_name")}
    await connection.close()
    await member_of_the_board.board()
    with pytest.raises(httpx.HTTPStatusError):
        await member_of_the_board.get(f"/v1/children/{linkage_id}")
    folder = provision.secrets_folder(system.data_dir, topology.CANARY)
    key = {"Authorization": f"Bearer {(folder / 'ingest-token').read_text('ascii')}"}
    async with httpx.AsyncClient(base_url=system.ingest_url, trust_env=False) as door:
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        answer = await door.post("/v1/events", content=b'[{"specversion": "1.0"}]', headers={**kind, **key})
        assert answer.status_code == 422
        assert (await door.post("/v1/events", content=b"[]", headers=kind)).status_code == 401


async def test_the_board_of_education_does_not_meet_the_canary(member_of_the_board: Visitor) -> None:
    told = str(await member_of_the_board.board())
    found = await member_of_the_board.get("/v1/search?query=カナリア")
    assert "KIZASHICANARY" not in told and "カナリア" not in told
    assert "計測用" not in str(found)


async def test_every_metric_that_is_watched_has_a_series(prometheus: Prometheus) -> None:
    wanted = {each.metric for each in watched.selected()}
    assert len(wanted) > 40
    end = time.monotonic() + 15
    while (missing := wanted - prometheus.names()) and time.monotonic() < end:
        await asyncio.sleep(0.2)
    assert not missing


async def test_metrics_are_chosen_by_labels_that_they_have(prometheus: Prometheus) -> None:
    wanted = [f'{{__name__="{name}"}}' for name in sorted({each.metric for each in watched.selected()})]
    labels: dict[str, set[str]] = {}
    for each in prometheus.get("series", **{"match[]": wanted}):
        labels.setdefault(each["__name__"], set()).update(each)
    wrong = [each for each in watched.selected() if not each.labels <= labels[each.metric]]
    assert not wrong


async def test_every_rule_is_evaluated_and_every_age_has_its_five_seconds(prometheus: Prometheus) -> None:
    """A bucket bound that nobody measures would leave a share without value, and its alarm silent for ever."""
    wait_until(lambda: len(_health(prometheus)) == len(watched.rules()), 20, "every rule")
    assert set(_health(prometheus).values()) == {"ok"}
    for name in watched.recorded():
        (share,) = prometheus.query(name)
        assert 0 <= share <= 1, name


def _health(prometheus: Prometheus) -> dict[str, str]:
    groups = prometheus.get("rules")["groups"]
    found = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    return {name: health for name, health in found.items() if health != "unknown"}
