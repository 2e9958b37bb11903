"""``kizashi simulate``: write the events or files of a simulated city, and its truth apart from them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from simulator import calibrate, files
from simulator.city import City, build_city
from simulator.cloudevents import to_lines
from simulator.settings import Settings
from simulator.truth import truth_of, write_truth
from simulator.worlds import WORLDS, demo, world

_CALIBRATION_SEEDS = range(1, 7)
_CALIBRATION_YEARS = (2022, 2023, 2024, 2025)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = _parser().parse_args(argv)
    settings = world(chosen.world, chosen.seed)
    if not chosen.whole_city:
        settings = demo(settings)
    if chosen.table:
        sys.stdout.write(_table(world(chosen.world, chosen.seed)) + "\n")
        return 0
    city = build_city(settings, range(chosen.first_year, chosen.last_year + 1))
    for year in city.years:
        sys.stdout.write(_write_year(city, year, chosen) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kizashi simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--world", choices=sorted(WORLDS), default="base")
    parser.add_argument(
        "--first-year", type=int, default=2024, help="school year 2024 is April 2024 to March 2025"
    )
    parser.add_argument("--last-year", type=int, default=2025)
    parser.add_argument(
        "--whole-city", action="store_true", help="18 schools, 12,000 pupils; otherwise two schools"
    )
    parser.add_argument("--out", type=Path, default=Path("simulated"), help="folder for events and files")
    parser.add_argument("--format", choices=("ndjson", "csv"), default="ndjson")
    parser.add_argument("--encoding", choices=files.ENCODINGS, default="cp932", help="of CSV files")
    parser.add_argument("--truth", type=Path, help="folder for the hidden truth; never give it to a service")
    parser.add_argument("--table", action="store_true", help="print simulated against published figures")
    return parser


def _table(settings: Settings) -> str:
    counts = calibrate.calibrate(settings, _CALIBRATION_SEEDS, _CALIBRATION_YEARS)
    return calibrate.table(calibrate.figures(counts, settings))


def _write_year(city: City, year: int, chosen: argparse.Namespace) -> str:
    """Write one school year and say what was written."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.truth:
        chosen.truth.mkdir(parents=True, exist_ok=True)
        write_truth(truth_of(city, year), chosen.truth / f"truth_{year}.npz")
    if chosen.format == "csv":
        written = files.export_year(city, year, chosen.out / str(year), chosen.encoding)
        return f"{year}: {len(written)} files in {chosen.out / str(year)}"
    path = chosen.out / f"events_{year}.ndjson"
    count = 0
    with path.open("wb") as stream:
        for day in city.days(year):
            count += len(day.events)
            stream.writelines(to_lines(day.events))
    return f"{year}: {count} events in {path}"
