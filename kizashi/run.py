"""``kizashi run SERVICE``: one service in this process, until SIGTERM."""

import click

from kizashi import topology
from services.kit import app
from services.kit.membership import AlreadyRunning
from services.kit.settings import SecretMissing


@click.command()
@click.argument("service", type=click.Choice(topology.SERVICES))
def run(service: str) -> None:
    """Run SERVICE against the addresses in the environment (KIZASHI_…)."""
    try:
        app.run(service)
    except (SecretMissing, AlreadyRunning) as problem:
        raise click.ClickException(str(problem)) from None
