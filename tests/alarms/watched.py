"""What the rules and the dashboard look at: every expression, its metrics, and the labels it chooses them by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus/rules/kizashi.yml"
DASHBOARDS = DEPLOY / "grafana/dashboards"
_METRIC = re.compile(r"\b(kizashi[a-z0-9_:]+|process_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_BY = re.compile(r"\b(?:by|on|without|ignoring)\s*\([^)]*\)")


class Selected(NamedTuple):
    """A metric as an expression chooses it, and where that expression stands."""

    metric: str
    labels: frozenset[str]
    where: str


def rules() -> list[dict[str, Any]]:
    """Every rule, recording ones included."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def recorded() -> set[str]:
    """Names that rules record."""
    return {rule["record"] for rule in rules() if "record" in rule}


def _expressions() -> dict[str, str]:
    found = {f"rule {rule.get('alert') or rule['record']}": rule["expr"] for rule in rules()}
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


def selected() -> list[Selected]:
    """Every metric that is looked at, wherever."""
    return [
        Selected(name, frozenset(_LABEL.findall(matchers or "")), where)
        for where, expression in _expressions().items()
        for name, matchers in _METRIC.findall(_BY.sub("", expression))
    ]
