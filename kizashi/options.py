"""Options that several commands share."""

from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Any)


def data_option(function: F) -> F:
    """``--data DIR``: the folder of an embedded stack."""
    decorator = click.option(
        "--data",
        "data_dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".kizashi"),
        show_default=True,
        help="folder that holds servers' data, secrets and logs",
    )
    decorated: F = decorator(function)
    return decorated


def broker_option(function: F) -> F:
    """``--broker``: which broker the embedded stack runs."""
    decorator = click.option(
        "--broker",
        type=click.Choice(["auto", "kafka", "memory"]),
        default="auto",
        show_default=True,
        help="Apache Kafka, or an in-memory stand-in where its jars cannot be had",
    )
    decorated: F = decorator(function)
    return decorated


def sources_option(function: F) -> F:
    """``--sources``: school systems that write straight to the bus."""
    decorator = click.option(
        "--sources", default="", help="comma-separated names of systems that publish to inbound-NAME topics"
    )
    decorated: F = decorator(function)
    return decorated


def names(sources: str) -> tuple[str, ...]:
    """The comma-separated names of ``--sources``."""
    return tuple(name.strip() for name in sources.split(",") if name.strip())
