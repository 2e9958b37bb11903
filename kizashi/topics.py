"""``kizashi topics``: make the broker's topics what the catalogue says, or tell the differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from contracts import catalogue
from contracts.catalogue import Topic
from kizashi.embedded.broker_check import KafkaAddress
from kizashi.embedded.principals import admin_client

_TIMEOUT_SECONDS = 30.0
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Difference:
    """One way in which the broker is not what the catalogue says."""

    topic: str
    what: str


def config(topic: Topic) -> dict[str, str]:
    """Topic settings. ``LogAppendTime``: a replayed year's past stamps would be deleted at once."""
    if topic.cleanup == "compact":
        return {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(topic.retention_days * _DAY_MS),
        "segment.ms": str(_DAY_MS),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(1_048_588),
    }


def apply(address: KafkaAddress, sources: Sequence[str], replicas: int = 1) -> list[str]:
    """Create the topics that are missing; returns their names.

    Raises:
        KafkaException: the broker refuses.
        ValueError: an existing topic has another partition count, which is frozen.
    """
    admin = admin_client(address)
    wanted = catalogue.topics(tuple(sources))
    present = _partitions(admin)
    if wrong := [n for n, t in wanted.items() if n in present and present[n] != t.partitions]:
        raise ValueError(
            f"partition counts are frozen, but differ for: {', '.join(wrong)}; make a new topic instead"
        )
    missing = [topic for name, topic in wanted.items() if name not in present]
    new = [NewTopic(t.name, t.partitions, replicas, config=config(t)) for t in missing]
    for future in admin.create_topics(new, request_timeout=_TIMEOUT_SECONDS).values() if new else ():
        future.result(_TIMEOUT_SECONDS)
    return [topic.name for topic in missing]


def check(address: KafkaAddress, sources: Sequence[str]) -> list[Difference]:
    """Everything in which the broker differs from the catalogue."""
    admin = admin_client(address)
    wanted = catalogue.topics(tuple(sources))
    present = _partitions(admin)
    found = [Difference(name, "is missing") for name in wanted if name not in present]
    found += [Difference(name, "is not in the catalogue") for name in present if name not in wanted]
    for name, topic in wanted.items():
        if name in present and present[name] != topic.partitions:
            found.append(Difference(name, f"has {present[name]} partitions, not {topic.partitions}"))
    return found + _settings_differences(admin, [topic for name, topic in wanted.items() if name in present])


def _partitions(admin: AdminClient) -> dict[str, int]:
    listed = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
    return {name: len(topic.partitions) for name, topic in listed.items() if not name.startswith("__")}


def _settings_differences(admin: AdminClient, topics: Sequence[Topic]) -> list[Difference]:
    if not topics:
        return []
    resources = {t.name: ConfigResource(ResourceType.TOPIC, t.name) for t in topics}
    answers = admin.describe_configs(list(resources.values()), request_timeout=_TIMEOUT_SECONDS)
    by_name = {resource.name: future.result() for resource, future in answers.items()}
    return [
        Difference(topic.name, f"{key} is {by_name[topic.name][key].value}, not {value}")
        for topic in topics
        for key, value in config(topic).items()
        if by_name[topic.name][key].value != value
    ]


__all__ = ["Difference", "KafkaException", "apply", "check", "config"]
