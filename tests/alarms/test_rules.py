"""Every alarm fires on what it is for, stays silent just below, and on a day without school."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alarms.cases import CASES, HOLIDAY, HOLIDAY_BROKEN, HOLIDAY_MINUTES, Case, Series
from tests.support.promtool import PrometheusUnavailable, program

RULES = Path(__file__).parents[2] / "deploy/prometheus/rules/kizashi.yml"
#: Fires always, by design.
WATCHDOG = "KizashiWatchdog"


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return program("promtool")
    except PrometheusUnavailable as missing:
        if os.environ.get("REQUIRE_BACKENDS"):
            raise
        pytest.skip(str(missing))


def alarms() -> list[str]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


def suite(
    series: Series, at_minutes: int, expressions: dict[str, bool], step_minutes: int = 1
) -> dict[str, Any]:
    """``expressions``: each with whether it has a value then."""
    return {
        "interval": f"{step_minutes}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": f"{at_minutes}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if firing else [],
            }
            for expression, firing in expressions.items()
        ],
    }


def run(
    promtool: Path, folder: Path, suites: list[dict[str, Any]], step_minutes: int = 1
) -> subprocess.CompletedProcess[str]:
    file = folder / "rules.test.yml"
    content = {"rule_files": [str(RULES)], "evaluation_interval": f"{step_minutes}m", "tests": suites}
    file.write_text(yaml.safe_dump(content), "utf-8")
    return subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)


def test_rules_are_valid(promtool: Path) -> None:
    done = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_has_its_cases() -> None:
    assert sorted(case.alarm for case in CASES) == sorted(set(alarms()) - {WATCHDOG})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alarm)
def test_it_fires_and_stays_silent(case: Case, promtool: Path, tmp_path: Path) -> None:
    firing = f'count(ALERTS{{alertname="{case.alarm}",alertstate="firing"}})'
    expected = [(each, True) for each in (case.fires, *case.fires_too)]
    expected += [(each, False) for each in (case.silent, *case.silent_too)]
    step = case.step_minutes
    suites = [suite(series, case.at_minutes, {firing: fires}, step) for series, fires in expected]
    done = run(promtool, tmp_path, suites, step)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_fires_on_a_day_without_school(promtool: Path, tmp_path: Path) -> None:
    others = f'count(ALERTS{{alertname!="{WATCHDOG}",alertstate="firing"}})'
    watchdog = f'count(ALERTS{{alertname="{WATCHDOG}",alertstate="firing"}})'
    done = run(promtool, tmp_path, [suite(HOLIDAY, HOLIDAY_MINUTES, {others: False, watchdog: True})])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_chain_is_noticed_on_a_day_without_school(promtool: Path, tmp_path: Path) -> None:
    pages = 'count(ALERTS{alertstate="firing",level="page"})'
    canary = 'count(ALERTS{alertname="KizashiCanaryMissing",alertstate="firing"})'
    done = run(promtool, tmp_path, [suite(HOLIDAY_BROKEN, HOLIDAY_MINUTES, {pages: True, canary: True})])
    assert done.returncode == 0, done.stdout + done.stderr
