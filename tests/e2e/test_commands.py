"""The commands a visitor types, as processes of their own: demo, up, doctor, down, on a town of a few classes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from kizashi import reach
from kizashi.demo.gauges import OUTCOMES
from kizashi.embedded.roles import connect_administrator
from kizashi.up import PID_FILE
from kizashi.visitor import cards
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

TOWN = ("--pupils", "220", "--seed", "1")
FIRST_DAYS, MORE_DAYS = "30", "34"
THIS_YEAR = date(2025, 4, 1)
METHODS = {"model", "rule-band", "total"}
#: What only a replay can tell.
OF_A_REPLAY = ("events_per_second", "replay_seconds")


def words(*command: str) -> list[str]:
    return [sys.executable, "-m", "kizashi", *command]


def kizashi(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(*command), capture_output=True, text=True, timeout=180, check=False)


class Command(NamedTuple):
    """A command that goes on until it is told to stop, and what it has said so far."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, pattern: str) -> None:
        def there() -> bool:
            assert self.process.poll() is None, self.said
            return re.search(pattern, self.said, re.MULTILINE) is not None

        wait_until(there, 180, f"{pattern} in the output")


@contextmanager
def started(output: Path, *command: str) -> Iterator[Command]:
    """The command, killed at the end if it still runs."""
    with output.open("wb") as file:
        process = subprocess.Popen(words(*command), stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Command(process, output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def processes_of(folder: Path) -> list[str]:
    """Processes that name the folder in their words or their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(folder) in each for each in told):
            found.append(" ".join(process.cmdline()))
    return found


def fetched(folder: Path, sql: str, *values: object) -> Any:
    """One value out of the running database of ``folder``."""

    async def ask() -> Any:
        connection = await connect_administrator(reach.read(folder).addresses.postgres)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def clicked(link: str) -> Iterator[httpx.Client]:
    """A browser after a click on a one-click link; it keeps the Secure cookie on loopback as browsers do."""
    answer = httpx.get(link, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookies: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    headers = {"cookie": "; ".join(f"{name}={each.value}" for name, each in cookies.items())}
    base = link.partition("/demo/")[0]
    with httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def link_of(living: Command, post: str) -> str:
    (link,) = re.findall(rf"^\s*{post}\s+(http\S+)$", living.said, re.MULTILINE)
    return str(link)


def standing(person: httpx.Client) -> set[str]:
    """The alerts on a person's board, with those beside it."""
    board = person.get("/v1/board").raise_for_status().json()
    return {card["alert_id"] for card in cards({part: board[part] for part in ("open", "others")})}


def difference(operator: httpx.Client) -> int:
    page = operator.get("/v1/operations").raise_for_status().json()
    return int(page["reconciliation"]["difference"])


def accepted(line: str) -> None:
    """Type a printed line and read the answer."""
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    told = json.loads(answer.stdout)
    assert (told["accepted"], told["refused"]) == (1, []), told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def reports(folder: Path) -> list[dict[str, Any]]:
    """What two runs with ``--exit`` on one folder report."""
    found = []
    for number in (1, 2):
        file = folder.parent / f"demo{number}.json"
        options = ("--exit", "--report", str(file), "--days", FIRST_DAYS, "--probes", "1")
        done = kizashi("demo", "--data", str(folder), *TOWN, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert processes_of(folder) == []
        found.append(json.loads(file.read_text("utf-8")))
    return found


@pytest.fixture(scope="module")
def living(folder: Path, reports: list[dict[str, Any]]) -> Iterator[Command]:
    """The demo without ``--exit`` in the folder of the two runs, told some days later what there is to try."""
    options = ("--days", MORE_DAYS, "--day-seconds", "600")
    with started(folder.parent / "demo.txt", "demo", "--data", str(folder), *TOWN, *options) as command:
        command.wait_for(r"^kill -9 \d+$")
        yield command


def test_the_report_says_what_happened(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        assert 180 < report["pupils"] < 260
        assert report["reconciliation_difference"] == 0
        assert {"identity.records", "features.facts", "notify.risks"} <= report["consumers"].keys()
        for counts in report["consumers"].values():
            accounted = sum(counts[name] for name in OUTCOMES if name != "received")
            assert counts["received"] == accounted
        assert report["alerts"].keys() == {"raised", "retracted", "acknowledged", "held"}
        assert report["alerts"]["raised"] > 0 and report["alerts"]["acknowledged"] > 0
        assert report["event_to_alert_seconds"]["n"] == 1
        assert 0 < report["event_to_alert_seconds"]["p50"] <= report["event_to_alert_seconds"]["p99"]
        (attendance,) = (each for each in report["model"] if each["basis"] == "attendance")
        assert {"leads", "labels", "published_at"} <= attendance.keys()
        lines = {line["method"]: line for line in attendance["lines"]}
        assert lines.keys() > METHODS
        assert all({"recall_lead_5", "precision"} <= line.keys() for line in lines.values())


def test_a_year_that_was_lived_is_not_replayed_and_has_no_pace(reports: list[dict[str, Any]]) -> None:
    first, again = reports
    assert all(first[name] > 0 for name in OF_A_REPLAY)
    assert [again[name] for name in OF_A_REPLAY] == [None, None]
    assert first["events_sent"] > 1000 > again["events_sent"] > 0


def test_a_folder_stays_with_its_town(folder: Path, reports: list[dict[str, Any]]) -> None:
    refused = kizashi("demo", "--data", str(folder), "--pupils", "220", "--seed", "2", "--exit")
    assert refused.returncode == 1
    assert "holds the town of --seed 1 --history 1 --pupils 220" in refused.stderr
    assert processes_of(folder) == []


def test_a_started_year_goes_on_where_it_was(living: Command, folder: Path) -> None:
    """Neither from the beginning nor without the days between; what is today lies behind them."""
    assert re.search(r"goes\s+on\s+behind", living.said)
    days = "SELECT count(*) FROM gateway.settled_day WHERE date >= $1"
    assert fetched(folder, days, THIS_YEAR) >= int(MORE_DAYS)


def test_history_alerts_nobody(living: Command, folder: Path) -> None:
    assert fetched(folder, "SELECT count(*) FROM gateway.settled_day WHERE date < $1", THIS_YEAR) >= int(
        FIRST_DAYS
    )
    absent = "SELECT count(*) FROM gateway.day_mark WHERE date < $1 AND code IN (2, 3)"
    assert fetched(folder, absent, THIS_YEAR) > 0
    assert fetched(folder, "SELECT count(*) FROM notify.alert") > 0
    assert fetched(folder, "SELECT count(*) FROM notify.alert WHERE as_of < $1", THIS_YEAR) == 0
    assert fetched(folder, "SELECT count(*) FROM notify.alert WHERE told_on < $1", THIS_YEAR) == 0


def test_every_link_signs_in_with_one_click(living: Command) -> None:
    """The town has one class a grade, whose 担任 is the 学年主任 as well."""
    for post in ("担任", "教頭", "養護教諭", "教育委員会", "運用"):
        with clicked(link_of(living, post)) as person:
            assert person.get("/", follow_redirects=True).status_code == 200
            assert person.get("/v1/session").status_code == 200


def test_what_there_is_to_try_works_as_printed(living: Command, folder: Path) -> None:
    curls = re.findall(r"^curl .*$", living.said, re.MULTILINE)
    assert len(curls) == 7
    with clicked(link_of(living, "教頭")) as person:
        before = standing(person)
        for line in curls[:4]:
            accepted(line)
        wait_until(lambda: standing(person) - before, 30, "the alert")
        (alert,) = standing(person) - before
        second = int(
            time.time()
        )  # whoever types is not so fast; of one second's records the later is not known
        wait_until(lambda: time.time() >= second + 1, 5, "the next second")
        for line in curls[4:]:
            accepted(line)
        wait_until(lambda: alert not in standing(person), 30, "the withdrawal")
    (kill,) = re.findall(r"^kill -9 (\d+)$", living.said, re.MULTILINE)
    assert "run features" in " ".join(psutil.Process(int(kill)).cmdline())
    subprocess.run(["bash", "-c", f"kill -9 {kill}"], check=True)
    wait_until(lambda: kizashi("doctor", "--data", str(folder)).returncode == 0, 60, "doctor")
    with clicked(link_of(living, "運用")) as operator:
        wait_until(lambda: difference(operator) == 0, 30, "the difference 0")


def test_ctrl_c_ends_it_and_leaves_nothing(living: Command, folder: Path) -> None:
    assert processes_of(folder)
    living.process.send_signal(signal.SIGINT)
    assert living.process.wait(120) == 0, living.said
    assert processes_of(folder) == []
    told = kizashi("doctor", "--data", str(folder))
    assert told.returncode == 1
    for part in ("PostgreSQL", "Redis", "Apache Kafka", "gateway"):
        assert re.search(rf"{part}: .+\n   → .+", told.stdout), told.stdout
    assert "Traceback" not in told.stderr


def test_up_runs_until_down(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    nothing = kizashi("doctor", "--data", str(folder))
    assert nothing.returncode == 1
    assert "nothing was started" in nothing.stdout and "→ run `make demo`" in nothing.stdout
    with started(tmp_path / "up.txt", "up", "--data", str(folder)) as command:
        command.wait_for(r"Ctrl-C")
        assert kizashi("doctor", "--data", str(folder)).returncode == 0
        (screens,) = re.findall(r"\(people\):\s+(\S+)", command.said)
        assert httpx.get(screens, follow_redirects=True, trust_env=False).status_code == 200
        second = kizashi("up", "--data", str(folder))
        assert second.returncode == 1 and "in use by process" in second.stderr
        down = kizashi("down", "--data", str(folder))
        assert (down.returncode, down.stdout) == (0, "stopped\n")
        assert command.process.wait(10) == 0
    assert processes_of(folder) == []


def test_down_leaves_alone_whoever_got_the_number_of_a_process_that_was_killed(tmp_path: Path) -> None:
    file = tmp_path / PID_FILE
    with started(tmp_path / "other.txt", "doctor", "--data", str(tmp_path)) as other:
        file.write_text(str(other.process.pid), "ascii")
        os.utime(file, (1, 1))
        down = kizashi("down", "--data", str(tmp_path))
        assert (down.returncode, down.stdout) == (0, f"nothing runs on {tmp_path}\n")
        assert other.process.wait(30) == 1  # what doctor says of an empty folder: nobody stopped it
