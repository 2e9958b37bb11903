"""``python -m evaluation.live``: train online on earlier simulated years, judge the last one.

The model is the product's own learner, its threshold chosen as it is live; the judge is independent of both.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.cities import pupil_years
from evaluation.online import Outcome, run
from evaluation.report import Line, as_json, lines, mean_lines, table
from simulator.city import build_city
from simulator.settings import Settings


def evaluate_city(settings: Settings, first_year: int, earlier_years: int) -> tuple[Outcome, list[Line]]:
    """Live through ``earlier_years`` + 1 school years and judge the last."""
    city = build_city(settings, range(first_year, first_year + earlier_years + 1))
    outcome = run(pupil_years(city))[-1]
    return outcome, lines(outcome)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Recall and precision of model, rules and order by total.")
    parser.add_argument("--city-seed", type=int, nargs="+", default=[1], help="one simulated city per seed")
    parser.add_argument("--earlier-years", type=int, default=3, help="school years before the judged one")
    parser.add_argument("--first-year", type=int, default=2021)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args(arguments)
    cities = []
    for seed in chosen.city_seed:
        outcome, found = evaluate_city(Settings(seed=seed), chosen.first_year, chosen.earlier_years)
        cities.append(found)
        sys.stdout.write(_summary(seed, outcome) + "\n")
    found = mean_lines(cities)
    sys.stdout.write(table(found) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(found), indent=2) + "\n", encoding="utf-8")


def _summary(seed: int, outcome: Outcome) -> str:
    model, state = outcome.model, outcome.state
    leads = "leads" if model and model.leads else "in shadow"
    return (
        f"city {seed}: school year {outcome.year.school_year}, {state.labels} labels learned "
        f"({state.positives} positive), naming threshold {state.threshold:+.2f} log-odds, model {leads}"
    )


if __name__ == "__main__":
    main()
