"""``kizashi topics apply|check|list``: the broker against the catalogue."""

from pathlib import Path

import click
from confluent_kafka import KafkaException

from contracts import catalogue
from kizashi import reach
from kizashi import topics as broker_topics
from kizashi.options import data_option, names, sources_option


@click.group()
def topics() -> None:
    """Apply or check the topic catalogue."""


@topics.command()
@data_option
@sources_option
@click.option("--replicas", default=1, show_default=True, help="replication factor of new topics")
def apply(data_dir: Path, sources: str, replicas: int) -> None:
    """Create what is missing; partition counts are frozen."""
    try:
        made = broker_topics.apply(reach.read(data_dir).addresses.kafka, names(sources), replicas)
    except (KafkaException, ValueError) as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("\n".join(f"created {name}" for name in made) or "nothing to do")


@topics.command()
@data_option
@sources_option
def check(data_dir: Path, sources: str) -> None:
    """Tell every difference; exit code 1 if there is one."""
    try:
        found = broker_topics.check(reach.read(data_dir).addresses.kafka, names(sources))
    except KafkaException as problem:
        raise click.ClickException(str(problem)) from None
    for difference in found:
        click.echo(f"{difference.topic} {difference.what}")
    if found:
        raise SystemExit(1)
    click.echo("the broker is what the catalogue says")


@topics.command("list")
def list_() -> None:
    """The catalogue in short."""
    for topic in catalogue.templates():
        click.echo(
            f"{topic.name:<22} {topic.partitions:>3} partitions  {topic.personal:<13} {topic.description}"
        )
