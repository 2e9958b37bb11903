"""Failures that a person can do something about, as one sentence instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from kizashi.bench.peers.rounds import WrongCounts
from kizashi.embedded.data_folder import AlreadyRunning
from kizashi.embedded.jars import JarsUnavailable
from kizashi.embedded.process import StartFailed


@contextmanager
def plainly() -> Iterator[None]:
    """Servers that do not start, folders in use, waits without end, wrong counts."""
    try:
        yield
    except (AlreadyRunning, JarsUnavailable, StartFailed, WrongCounts, ValueError) as problem:
        raise click.ClickException(str(problem)) from None
    except TimeoutError as problem:
        raise click.ClickException(str(problem) or "something still waits after a long time") from None
