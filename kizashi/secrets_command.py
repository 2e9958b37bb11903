"""``kizashi secrets DIR``: every password, key and certificate of an installation, each in a file of its own.

``DIR/secrets`` holds all of them; ``DIR/services/NAME``, ``DIR/servers/NAME`` and ``DIR/sources/NAME`` hold what
one process is given and nothing else. Repeating keeps what is there and adds what is missing.
"""

from pathlib import Path

import click

from kizashi import certificates, provision, topology
from kizashi.embedded.broker_check import ADMIN
from kizashi.embedded.secret_files import Secrets, write_private
from kizashi.options import names, sources_option
from kizashi.outside import REDIS_SECRET, SUPERUSER_SECRET, OutsideSettings, addresses

#: The principal by which the broker speaks to itself.
BROKER = "broker"
_REDIS = """\
# sessions, counters and wake-up signals only: nothing that must survive a restart
requirepass {password}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
protected-mode yes
"""


def make(folder: Path, sources: tuple[str, ...], kafka_hosts: tuple[str, ...]) -> None:
    """Everything of an installation under ``folder`` (0700, files 0600).

    Raises:
        OpensslMissing: the broker's certificate cannot be made.
        ValueError: a secret file is empty; it must be deleted, not filled with a guess.
    """
    _folder(folder).chmod(0o700)
    for name in ("services", "servers", "sources"):
        _folder(folder / name)
    secrets = Secrets(folder)
    topology.schemas(secrets)
    topology.principals(secrets, sources)
    secrets.get_or_create(REDIS_SECRET)
    provision.write_secret_files(folder, secrets, addresses(folder, OutsideSettings()))
    _servers(folder, secrets, kafka_hosts)
    root = (folder / "tls" / "ca.pem").read_text("ascii")
    for service in topology.SERVICES:
        write_private(provision.secrets_folder(folder, service) / "kafka-ca.pem", root)
    for source in sources:
        place = _folder(folder / "sources" / source)
        write_private(place / "kafka", secrets.get_or_create(f"kafka/source-{source}"))
        write_private(place / "kafka-ca.pem", root)


def _servers(folder: Path, secrets: Secrets, kafka_hosts: tuple[str, ...]) -> None:
    """What each server is given: the broker, the database, the cache, the dashboards."""
    servers = folder / "servers"
    kafka = _folder(servers / "kafka")
    for principal in (ADMIN, BROKER):
        write_private(kafka / principal, secrets.get_or_create(f"kafka/{principal}"))
    certificates.broker(folder / "tls", ("kafka", "localhost", *kafka_hosts), kafka / "server.pem")
    write_private(kafka / "ca.pem", (folder / "tls" / "ca.pem").read_text("ascii"))
    write_private(_folder(servers / "postgres") / "superuser", secrets.get_or_create(SUPERUSER_SECRET))
    password = secrets.get_or_create(REDIS_SECRET)
    redis = _folder(servers / "redis")
    write_private(redis / "redis.conf", _REDIS.format(password=password))
    write_private(redis / "password", password)
    write_private(_folder(servers / "grafana") / "admin", secrets.get_or_create("grafana/admin"))


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@sources_option
@click.option(
    "--kafka-host",
    "kafka_hosts",
    multiple=True,
    help="another name under which the broker is reached (repeat); goes into its certificate",
)
def secrets(folder: Path, sources: str, kafka_hosts: tuple[str, ...]) -> None:
    """Make the secrets of an installation in FOLDER; existing ones are kept."""
    try:
        make(folder, names(sources), kafka_hosts)
    except (certificates.OpensslMissing, ValueError) as problem:
        raise click.ClickException(str(problem)) from None
    place = folder.resolve()
    owner = place.stat()
    click.echo(f"secrets are in {place} (0700). For .env:\n")
    click.echo(f"KIZASHI_SECRETS_DIR={place}\nKIZASHI_UID={owner.st_uid}\nKIZASHI_GID={owner.st_gid}\n")
    click.echo("Keep a copy of secrets/keys apart from the database's backups: mint-key and identity-key")
    click.echo("make the children's IDs and can never be replaced.")
