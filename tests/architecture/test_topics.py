"""What the code emits is what the catalogue says: every topic a service names is one it produces or consumes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import services
from contracts import catalogue
from kizashi.embedded.principals import Grant
from kizashi.topology import SERVICES, grants

ROOT = Path(services.__file__).parent
TOPICS = {topic.name for topic in catalogue.templates() if not topic.per_source}


def _named(service: str) -> set[str]:
    """Topic names written as literals anywhere in a service."""
    found = set()
    for path in (ROOT / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in TOPICS:
                found.add(node.value)
    return found


def _allowed(service: str) -> tuple[set[str], set[str]]:
    produced = {t.name for t in catalogue.templates() if service in t.producers}
    consumed = {
        t.name
        for t in catalogue.templates()
        if any(c.split(".")[0].split(" ")[0] == service for c in t.consumers)
    }
    return produced, consumed


#: Topics that the kit writes or reads for every service.
KIT_MADE = {"dead-letters", "operations", "operator-requests"}
#: Words that are topic names and ordinary words of a service's own (a schema, a table, a page).
ORDINARY = {"gateway": {"alerts", "operations", "records"}, "identity": {"records"}, "ingest": {"operations"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_only_topics_that_are_its_own(service: str) -> None:
    produced, consumed = _allowed(service)
    assert _named(service) - ORDINARY.get(service, set()) <= produced | consumed | KIT_MADE


@pytest.mark.parametrize("service", SERVICES)
def test_every_topic_that_the_catalogue_gives_a_service_is_used_by_it(service: str) -> None:
    produced, consumed = _allowed(service)
    inner = {t for t in produced | consumed if "{source}" not in t}
    assert inner - KIT_MADE <= _named(service)


@pytest.mark.parametrize("service", SERVICES)
def test_rights_on_the_bus_are_the_catalogue_and_no_more(service: str) -> None:
    produced, consumed = _allowed(service)
    found = set(grants(service, catalogue.templates()))
    expected = {Grant("write", "topic", name) for name in produced} | {
        Grant("read", "topic", name) for name in consumed
    }
    assert found == expected | {Grant("read", "group", f"{service}.", prefixed=True)}
