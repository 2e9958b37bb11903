"""``kizashi dead-letters``: records that could not be applied, without what they say; and handled again."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from contracts.codes import Refusal
from kizashi import topology
from kizashi.letters import desk, outline
from kizashi.options import data_option
from services.kit.letters import Summary

_service = click.option("--service", type=click.Choice(topology.SERVICES), help="only this service's")
_code = click.option(
    "--code", type=click.Choice([code.value for code in Refusal]), help="only of this reason"
)


@click.group("dead-letters")
def command() -> None:
    """Records that a service could not apply: list them, look at their outline, have them handled again.

    処理できなかった記録。中身は表示しません。
    """


def name_of(letter: Summary) -> str:
    """How a letter is called on the command line."""
    place = letter.place
    return f"{letter.consumer}/{place.topic}/{place.partition}/{place.offset}"


def _services(service: str | None) -> Sequence[str]:
    return (service,) if service else topology.SERVICES


def _stamp(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "-"


def _state(letter: Summary) -> str:
    if letter.replayed_at:
        return f"applied {_stamp(letter.replayed_at)}"
    if letter.asked:
        return "asked for"
    return f"still bad {_stamp(letter.tried_at)}" if letter.tried_at else "stands"


def _plain(letter: Summary) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(letter)
    return {"letter": name_of(letter), "service": desk.service_of(letter.consumer), **plain}


@command.command("list")
@data_option
@_service
@_code
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def list_(data_dir: Path, service: str | None, code: str | None, as_json: bool) -> None:
    """Every letter of the last 30 days: where, what, why, how large, since when, and what became of it."""
    found = asyncio.run(desk.listed(data_dir, _services(service), code))
    if as_json:
        click.echo(msgspec.json.encode([_plain(each) for each in found]))
        return
    for each in found:
        size = "-" if each.size_bytes is None else str(each.size_bytes)
        why = " ".join(filter(None, (each.code, each.path)))
        click.echo(
            f"{name_of(each):<44} {each.event_type or '(unknown)':<22} {why:<24} {size:>8} B"
            f"  {_stamp(each.first_seen_at)}  {_state(each)}"
        )
    click.echo(f"{len(found)} letters", err=True)


@command.command()
@data_option
@click.argument("letter")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def show(data_dir: Path, letter: str, as_json: bool) -> None:
    """The outline of LETTER (CONSUMER/TOPIC/PARTITION/OFFSET): names, types and lengths, never a value.

    Written into the operation log.
    """
    found = asyncio.run(desk.looked_into(data_dir, desk.address(letter)))
    heads, parts = outline.headers(found.headers), outline.body(found.value)
    if as_json:
        key_bytes = len(found.key) if found.key is not None else None
        told = {"letter": letter, "key_bytes": key_bytes, "headers": heads, "body": parts}
        click.echo(msgspec.json.encode(told))
        return
    click.echo(f"key      {'none' if found.key is None else f'{len(found.key)} bytes'}")
    for line in heads:
        click.echo(f"header   {line.place:<32} {line.kind}")
    for line in parts:
        click.echo(f"body     {line.place:<32} {line.kind}")


@command.command()
@data_option
@click.argument("letters", nargs=-1)
@_service
@_code
@click.option("--all", "everything", is_flag=True, help="every letter that stands")
@click.option(
    "--patience", default=60.0, show_default=True, help="seconds without progress after which waiting ends"
)
def replay(
    data_dir: Path,
    letters: tuple[str, ...],
    service: str | None,
    code: str | None,
    everything: bool,
    patience: float,
) -> None:
    """Have letters handled again by their service: LETTERS by name, or by --code, --service, or --all.

    Mend the cause first. Nothing is sent to a topic again; a letter that is still bad stays as it was. Written
    into the operation log. Exit code 1 if any letter remains.
    """
    if not (letters or service or code or everything):
        raise click.UsageError("name letters, or say --code, --service or --all")
    wanted = asyncio.run(_chosen(data_dir, letters, service, code))
    fate = asyncio.run(_with_progress(data_dir, wanted, patience)) if wanted else desk.Fate()
    for each in fate.still_bad:
        click.echo(f"{name_of(each):<44} {each.code} {each.path}".rstrip())
    click.echo(
        f"処理しました / applied: {len(fate.applied)}; まだ処理できません / still bad: {len(fate.still_bad)}"
    )
    if fate.waiting:
        raise click.ClickException(
            f"{len(fate.waiting)} were not tried within {patience:.0f} s and stay asked for: is the service running, "
            "and does its /ready name a partition that stopped?"
        )
    if fate.still_bad:
        sys.exit(1)


async def _chosen(
    data_dir: Path, letters: tuple[str, ...], service: str | None, code: str | None
) -> list[Summary]:
    named = {desk.address(letter) for letter in letters}
    services = sorted({desk.service_of(consumer) for consumer, _ in named}) or _services(service)
    found = [each for each in await desk.listed(data_dir, services, code) if each.replayed_at is None]
    if not named:
        return found
    chosen = [each for each in found if (each.consumer, each.place) in named]
    if len(chosen) < len(named):
        raise click.ClickException("no such letter stands: see `kizashi dead-letters list`")
    return chosen


async def _with_progress(data_dir: Path, wanted: Sequence[Summary], patience: float) -> desk.Fate:
    columns = (TextColumn("再処理 replay"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=len(wanted))

        def tell(fate: desk.Fate) -> None:
            bar.update(task, completed=len(wanted) - len(fate.waiting))

        return await desk.replay(data_dir, wanted, patience, tell)
