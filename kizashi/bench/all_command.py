"""``kizashi bench all``: every measurement, one after another, and the page that is made of them."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from kizashi.bench import measures, page, results
from kizashi.bench.machine import ROOT
from kizashi.bench.measures import Failed, Measure, Sizes
from kizashi.bench.results import Kept


def _chosen(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    unknown = sorted(set(names) - set(measures.NAMES))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(measures.NAMES)}")
    return names


def _pair(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    parts = value.split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise click.BadParameter("children and days, as in 12000x200")
    return int(parts[0]), int(parts[1])


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not all(part.isdigit() for part in value.split(",")):
        raise click.BadParameter("numbers separated by commas")
    return tuple(int(part) for part in value.split(","))


@click.command("all")
@click.option("--quick", is_flag=True, help="small sizes: minutes instead of an hour")
@click.option("--only", callback=_chosen, default=",".join(measures.NAMES), help="names separated by commas")
@click.option(
    "--runs", type=click.IntRange(1), help="runs of the chain and rounds of the peers  [default: 5]"
)
@click.option("--pupils", callback=_numbers, help="sizes of the memory measurement  [default: 100000]")
@click.option("--year", callback=_pair, help="children and school days of the replay  [default: 12000x200]")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="keep the memory measurement's stacks here, by size; one that has come to its end here is not made again",
)
@click.option(
    "--add", is_flag=True, help="count earlier runs of the chosen measurements too, instead of dropping them"
)
@click.option(
    "--page-only", is_flag=True, help="measure nothing; write the page from the results that are there"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=ROOT / "docs" / "benchmarks.md",
    help="the page; results are kept beside it as JSON  [default: docs/benchmarks.md]",
)
@click.option("--json", "as_json", is_flag=True, help="print the results as JSON instead of the page")
def everything(
    quick: bool,
    only: tuple[str, ...],
    runs: int | None,
    pupils: tuple[int, ...] | None,
    year: tuple[int, int] | None,
    data: Path | None,
    add: bool,
    page_only: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Run the chain, its peers, memory, scale and replay; print tables and write docs/benchmarks.md.

    The whole takes about an hour. What is not chosen keeps its earlier results.
    """
    sizes = _sizes(measures.QUICK if quick else measures.FULL, runs, pupils, year, data)
    file = out.with_suffix(".json")
    kept = results.load(file)
    failed = False
    todo = [] if page_only else [each for each in measures.measures(sizes) if each.name in only]
    if not add:
        for name in {each.name for each in todo}:
            kept.pop(name, None)
    for number, measure in enumerate(todo, 1):
        click.echo(f"{number} of {len(todo)}: {measure.command}", file=sys.stderr)
        run = _run(measure)
        failed |= run["result"] is None
        kept.setdefault(measure.name, Kept()).runs.append(run)
        results.save(file, kept)
        page.write(out, kept)
    page.write(out, kept)
    click.echo(file.read_text("utf-8") if as_json else out.read_text("utf-8"))
    if failed:
        raise click.ClickException("not every measurement came to an end")


def _sizes(
    sizes: Sizes,
    runs: int | None,
    pupils: tuple[int, ...] | None,
    year: tuple[int, int] | None,
    data: Path | None,
) -> Sizes:
    return replace(
        sizes, runs=runs or sizes.runs, pupils=pupils or sizes.pupils, year=year or sizes.year, data=data
    )


def _run(measure: Measure) -> results.Told:
    begun = results.stamp(measure.command)
    try:
        result = measures.run(measure, lambda line: click.echo(line, file=sys.stderr))
    except Failed as problem:
        click.echo(f"{measure.name} failed: {problem}", file=sys.stderr)
        return {**begun, "result": None, "failure": str(problem)}
    own = {key: result[key] for key in ("at", "commit") if result.get(key)}  # made in parts, begun earlier
    return {**begun, **own, "result": result}
