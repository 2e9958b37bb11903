"""Ways of naming side by side: recall at two leads, precision and names, elementary and junior high apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.baselines import DAILY, TOTAL
from evaluation.naming import Verdict, judge, name_daily, name_monthly
from evaluation.online import MODEL, Outcome


@dataclass(frozen=True)
class Line:
    """One way of naming in one city: the verdicts on elementary and on junior high schools."""

    method: str
    elementary: Verdict
    junior: Verdict


def lines(outcome: Outcome) -> list[Line]:
    """Judge every way of naming over the whole school year."""
    year = outcome.year
    found = []
    for method in (MODEL, *DAILY, TOTAL):
        name = name_monthly if method == TOTAL else name_daily
        namings = name(outcome.scores[method], year.school, year.month)
        verdicts = [judge(namings, year.crossed, year.month, year.junior == level) for level in (False, True)]
        found.append(Line(method, *verdicts))
    return found


def mean_lines(cities: Sequence[Sequence[Line]]) -> list[Line]:
    """Mean over cities, way by way."""
    return [
        Line(same[0].method, _mean([line.elementary for line in same]), _mean([line.junior for line in same]))
        for same in zip(*cities, strict=True)
    ]


def _mean(verdicts: Sequence[Verdict]) -> Verdict:
    columns = zip(*(verdict.recall for verdict in verdicts), strict=True)
    return Verdict(
        round(_mean_known([verdict.named for verdict in verdicts])),
        round(_mean_known([verdict.cases for verdict in verdicts])),
        tuple(_mean_known(column) for column in columns),
        _mean_known([verdict.precision for verdict in verdicts]),
    )


def _mean_known(figures: Sequence[float]) -> float:
    """Mean of those that are figures (a city without cases or namings has none)."""
    known = [figure for figure in figures if not np.isnan(figure)]
    return float(np.mean(known)) if known else float("nan")


def table(found: Sequence[Line]) -> str:
    """A Markdown table; each cell is elementary / junior high."""
    rows = ["| way of naming | named | lead ≥ 5 | lead ≥ 10 | precision |", "|---|---|---|---|---|"]
    for line in found:
        pairs = [
            f"{line.elementary.named}/{line.junior.named}",
            *(f"{a:.2f}/{b:.2f}" for a, b in zip(line.elementary.recall, line.junior.recall, strict=True)),
            f"{line.elementary.precision:.2f}/{line.junior.precision:.2f}",
        ]
        rows.append(f"| {line.method} | {' | '.join(pairs)} |")
    return "\n".join(rows)


def as_json(found: Sequence[Line]) -> list[dict[str, object]]:
    """The same as plain data."""
    return [
        {
            "method": line.method,
            **{
                level: {
                    "named": verdict.named,
                    "cases": verdict.cases,
                    "recall_lead_5": verdict.recall[0],
                    "recall_lead_10": verdict.recall[1],
                    "precision": verdict.precision,
                }
                for level, verdict in (("elementary", line.elementary), ("junior_high", line.junior))
            },
        }
        for line in found
    ]
