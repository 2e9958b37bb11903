"""The simulated city against the published figures; the table is printed (``pytest -s``)."""

from collections import Counter
from functools import cache

import pytest

from simulator import Settings
from simulator.calibrate import Figure, calibrate, figures, table

SEEDS = range(1, 9)
YEARS = (2021, 2022, 2023, 2024, 2025)
TOLERANCE = 0.15


@cache
def pooled() -> Counter[str]:
    return calibrate(Settings(), SEEDS, YEARS)


@cache
def rows() -> list[Figure]:
    return figures(pooled(), Settings())


def test_the_matched_figures_are_within_fifteen_per_cent() -> None:
    print("\n" + table(rows()))
    matched = [row for row in rows() if row.matched]
    assert len(matched) >= 14
    off = {row.name: row.deviation for row in matched if abs(row.deviation or 0) > TOLERANCE}
    assert not off


def test_rates_lie_between_toda_and_japan() -> None:
    simulated = {row.name: row.simulated for row in rows()}
    assert 0.0086 * 0.9 <= simulated["不登校, elementary"] <= 0.0100 * 1.1
    assert 0.0364 * 0.9 <= simulated["不登校, junior high"] <= 0.041 * 1.1


def test_first_labels_have_a_plausible_profile() -> None:
    """Per city and year: April holds the continuing pupils, July few, the rest of the year about 20 to 30."""
    cities = len(SEEDS) * (len(YEARS) - 1)
    monthly = {month: pooled()[f"first_label.{month}"] / cities for month in range(1, 13)}
    assert monthly[4] == pytest.approx(98, rel=0.2)
    assert monthly[7] < 15
    for month in (5, 6, 9, 10, 11, 12, 1, 2, 3):
        assert 13 <= monthly[month] <= 36


def test_a_deviation_is_relative_and_absent_without_a_published_figure() -> None:
    assert Figure("x", 2.0, 2.5, "", True).deviation == pytest.approx(0.25)
    assert Figure("x", None, 2.5, "", False).deviation is None
