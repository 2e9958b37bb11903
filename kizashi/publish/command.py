"""``kizashi publish``: options, progress bar, summary, exit code."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kizashi.publish import Report, SendingFailed, Unreadable, main, profiles, reader_of
from kizashi.publish.entries import Reader

#: Exit codes: all taken, some refused, could not run.
_COULD_NOT = 2


def _key(key_file: Path | None, key: str | None) -> str:
    if key_file is not None:
        return key_file.read_text("utf-8").strip()
    return key or ""


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("such as 2026-06-10T08:40:00+09:00") from None
    if found.tzinfo is None:
        raise click.BadParameter("needs an offset, such as +09:00")
    return found


@contextmanager
def _bar(total: int | None, show: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal's error stream."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not show, transient=False) as progress:
        task = progress.add_task("送信 publish", total=total)
        yield lambda done: progress.advance(task, done)


def _total(reader: Reader) -> int | None:
    """How much there is; of unreadable files nothing is said before they are read."""
    try:
        return reader.total()
    except Unreadable:
        return None


def _summary(report: Report, errors: Path, dry_run: bool) -> str:
    head = "試読 (送信なし) / rehearsal, nothing was sent" if dry_run else "送信しました / sent"
    types = "、".join(f"{name} {count:,}" for name, count in sorted(report.types.items()))
    lines = [
        head,
        f"  読み取り read {report.read:,} = 受付 accepted {report.accepted:,} + 不受理 refused {report.refused:,}"
        if not dry_run
        else f"  読み取り read {report.read:,}、不備 refused {report.refused:,}",
        f"  {types}" if types else "",
        f"  不受理の一覧 / list of errors: {errors}" if report.refused else "",
        "" if report.told else "  運用の画面には伝わっていません / operators could not be told",
    ]
    return "\n".join(line for line in lines if line)


def _as_json(report: Report) -> str:
    return msgspec.json.encode(
        {
            "read": report.read,
            "accepted": report.accepted,
            "refused": report.refused,
            "types": dict(report.types),
            "codes": dict(report.codes),
            "retries": report.retries,
        }
    ).decode()


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--profile", default="events", show_default=True, help=f"{', '.join(profiles())}, or a YAML file."
)
@click.option("--url", envvar="KIZASHI_INGEST_URL", help="Address of ingest. [env: KIZASHI_INGEST_URL]")
@click.option("--key", envvar="KIZASHI_API_KEY", help="API key; better in the environment: KIZASHI_API_KEY.")
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the key."
)
@click.option(
    "--errors",
    default="publish-errors.csv",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="List of refused rows.",
)
@click.option("--recorded-at", callback=_moment, help="Version of rows without a time of their own.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Summary as JSON.")
@click.option("--progress/--no-progress", default=None, help="Progress bar; by default on a terminal.")
def publish(
    files: tuple[Path, ...],
    profile: str,
    url: str | None,
    key: str | None,
    key_file: Path | None,
    errors: Path,
    recorded_at: datetime | None,
    dry_run: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Send FILES of a school system to ingest.

    学校のシステムのファイルを送ります。受け付けられなかった行は一覧(CSV)に理由とともに出ます。

    Exit code: 0 all taken, 1 some refused, 2 could not run.
    """
    if not dry_run and not (url and (key or key_file)):
        raise click.UsageError(
            "--url と APIキー(KIZASHI_API_KEY)が要ります / an address and an API key are needed"
        )
    show = sys.stderr.isatty() if progress is None else progress
    try:
        reader = reader_of(files, profile, recorded_at)
        with _bar(_total(reader), show) as advance:
            report = main(
                files,
                profile,
                url or "",
                _key(key_file, key),
                errors=errors,
                dry_run=dry_run,
                advance=advance,
                reader=reader,
            )
    except (Unreadable, SendingFailed) as problem:
        click.echo(str(problem), err=True)
        sys.exit(_COULD_NOT)
    click.echo(_as_json(report) if as_json else _summary(report, errors, dry_run))
    sys.exit(report.exit_code)
