"""``kizashi simulate``: the simulator's own command under this roof."""

import click

from simulator.cli import main


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Write the events or files of a simulated city (`--help` tells all settings)."""
    raise SystemExit(main(list(arguments)))
