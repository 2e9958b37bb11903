"""Who may do what, read off the topic catalogue: Kafka rights, database roles and secrets of each service.

Nothing here decides; it restates the catalogue for the broker and the database, so that the three
cannot drift apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts import catalogue
from contracts.catalogue import Topic
from kizashi.embedded.principals import Grant, Principal
from kizashi.embedded.roles import Login, Schema
from kizashi.embedded.secret_files import Secrets

SERVICES = ("ingest", "identity", "features", "scoring", "notify", "gateway")

#: Watches from outside: a process like a service, but no part of the chain and without any right on the bus.
CANARY = "canary"
#: The installation's secret from which the canary's API key is made.
CANARY_KEY = "canary/key"

#: Keys and passwords beyond ``kafka`` and ``postgres`` that a service is given as files.
KEYS: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest-key",),
    "identity": ("mint-key", "identity-key"),
    "features": (),
    "scoring": (),
    "notify": ("webhook-key",),
    "gateway": ("session-key", "csrf-key"),
}


@dataclass(frozen=True)
class Role:
    """A runtime database role of a service; ``rights`` empty: the migrations grant table by table."""

    name: str
    schema: str
    rights: tuple[str, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")


#: Runtime roles by service; the first one is the pool of the kit.
ROLES: dict[str, tuple[Role, ...]] = {
    **{name: (Role(f"{name}_run", name),) for name in SERVICES if name != "gateway"},
    "gateway": (
        Role("gateway_feed", "gateway", ()),
        Role("gateway_page", "gateway", ()),
        Role("audit_sealer", "audit", ()),
    ),
}


#: What the canary reads by: the migrations let it see its own alert and nothing else.
CANARY_ROLE = Role("gateway_canary", "gateway", ())


def grants(service: str, topics: Iterable[Topic]) -> tuple[Grant, ...]:
    """What a service may do on Kafka: write what it produces, read what it consumes, in groups of its own name."""
    found: set[Grant] = {Grant("read", "group", f"{service}.", prefixed=True)}
    for topic in topics:
        if service in topic.producers:
            found.add(Grant("write", "topic", topic.name))
        if any(consumer.split(".")[0].split(" ")[0] == service for consumer in topic.consumers):
            found.add(Grant("read", "topic", topic.name))
    return tuple(sorted(found))


def source_grants(source: str) -> tuple[Grant, ...]:
    """A source writes its own inbound topic and reads its own refusals; nothing else."""
    return (
        Grant("write", "topic", f"inbound-{source}"),
        Grant("read", "topic", f"{source}-refused"),
        Grant("read", "group", f"{source}.", prefixed=True),
    )


def principals(secrets: Secrets, sources: tuple[str, ...]) -> list[Principal]:
    """Every Kafka user of a stack with its password and rights."""
    topics = catalogue.topics(sources).values()
    services = [
        Principal(name, secrets.get_or_create(f"kafka/{name}"), grants(name, topics)) for name in SERVICES
    ]
    return services + [
        Principal(name, secrets.get_or_create(f"kafka/source-{name}"), source_grants(name))
        for name in sources
    ]


def schemas(secrets: Secrets) -> list[Schema]:
    """Every database schema with its owner and runtime roles."""

    def login(name: str, rights: tuple[str, ...]) -> Login:
        return Login(name, secrets.get_or_create(f"postgres/{name}"), rights)

    found = []
    for name in ("audit", *SERVICES):
        service = "gateway" if name == "audit" else name
        runtime = [role for role in ROLES[service] if role.schema == name or name == "audit"]
        runtime += [CANARY_ROLE] if name == CANARY_ROLE.schema else []
        owner = Login(f"{service}_owner", secrets.get_or_create(f"postgres/{service}_owner"))
        found.append(
            Schema(
                name,
                owner,
                tuple(login(role.name, role.rights if role.schema == name else ()) for role in runtime),
            )
        )
    return found


def service_secrets(service: str, secrets: Secrets, redis_password: str) -> dict[str, str]:
    """The files of one service's secrets folder, by name: its own and nobody else's."""
    roles = ROLES[service]
    files = {
        "kafka": secrets.get_or_create(f"kafka/{service}"),
        "postgres": secrets.get_or_create(f"postgres/{roles[0].name}"),
        **{f"postgres-{role.name}": secrets.get_or_create(f"postgres/{role.name}") for role in roles[1:]},
        **{name: secrets.get_or_create(f"keys/{name}") for name in KEYS[service]},
    }
    if service == "gateway":
        files["redis"] = redis_password
    return files
