"""``kizashi chaos``: one row of the fault matrix on servers of its own, with what was lost, doubled and recovered."""

import asyncio
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from kizashi.chaos.ground import ground_of, three_brokers
from kizashi.chaos.matrix import ROWS, WHOLE
from kizashi.chaos.mutants import MUTANTS
from kizashi.chaos.plan import Fault, Plan
from kizashi.chaos.town import WholeRow
from kizashi.chaos.verdict import Verdict
from kizashi.embedded.stack import start_stack


async def _run(name: str, plan: Plan, folder: Path, brokers: int) -> Verdict:
    if name in WHOLE:
        return await WHOLE[name]().run(folder, plan)
    row = ROWS[name]
    if (brokers or row.brokers) == 1:
        async with start_stack(folder, "kafka") as stack:
            return await row().run(ground_of(stack), plan)
    with three_brokers(folder) as ground:
        return await row().run(ground, plan)


def _rows() -> dict[str, type[Fault | WholeRow]]:
    return {**ROWS, **WHOLE}


def _list() -> None:
    for name, row in _rows().items():
        click.echo(f"{name:5} {row.text}")
        for mutant in row.mutants:
            click.echo(f"      must fail with {mutant}: {MUTANTS[mutant].text}")


def _tell(verdict: Verdict) -> None:
    for name, value in verdict.as_dict().items():
        click.echo(f"{name:18} {value}")


@click.command()
@click.option("--row", "name", type=click.Choice([*ROWS, *WHOLE]), help="which fault")
@click.option("--kills", type=int, help="how often the fault is done (F2: at each point)")
@click.option("--events", type=int, help="records in the run")
@click.option("--brokers", type=click.IntRange(1, 3), help="one, or a cluster of three")
@click.option("--seed", default=1, show_default=True, help="decides input, victims and moments")
@click.option(
    "--mutant", default="", type=click.Choice(list(MUTANTS)), help="a broken kernel in the real one's place"
)
@click.option("--keep", is_flag=True, help="keep the folder with logs and databases")
@click.option("--json", "as_json", is_flag=True, help="print JSON only")
@click.option("--list", "only_list", is_flag=True, help="list rows and their mutants")
def chaos(
    name: str | None,
    kills: int | None,
    events: int | None,
    brokers: int | None,
    seed: int,
    mutant: str,
    keep: bool,
    as_json: bool,
    only_list: bool,
) -> None:
    """Do a fault to the running kernel and say what was lost, doubled, out of order, and how long it took."""
    if only_list or name is None:
        _list()
        return
    row = _rows()[name]
    plan = replace(row.short if kills is None else row.planned(kills), seed=seed, mutant=mutant)
    if events is not None:
        plan = replace(plan, events=events)
    folder = Path(tempfile.mkdtemp(prefix="kizashi-chaos-"))
    try:
        verdict = asyncio.run(_run(name, plan, folder, brokers or 0))
    finally:
        if keep:
            click.echo(f"logs and databases: {folder}", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        click.echo(json.dumps(verdict.as_dict(), ensure_ascii=False))
    else:
        _tell(verdict)
    if not verdict.passed:
        raise SystemExit(1)
