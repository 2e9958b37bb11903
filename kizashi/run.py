"""``kizashi run SERVICE``: one service, or the canary, in this process, until SIGTERM."""

import click

from kizashi import topology
from services.kit import app
from services.kit.membership import AlreadyRunning
from services.kit.settings import SecretMissing


@click.command()
@click.argument("service", type=click.Choice((*topology.SERVICES, topology.CANARY)))
def run(service: str) -> None:
    """Run SERVICE against the addresses in the environment (KIZASHI_…)."""
    try:
        if service == topology.CANARY:
            from kizashi.canary import app as canary  # a service need not load what it never runs

            canary.run()
        else:
            app.run(service)
    except (SecretMissing, AlreadyRunning) as problem:
        raise click.ClickException(str(problem)) from None
