"""Every subscriber, enumerated: the catalogue knows it, and FastStream decides nothing about its delivery."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from faststream import AckPolicy

import services
from contracts import catalogue
from contracts.registry import BY_NAME
from kizashi.topology import SERVICES
from services.kit.kernel import Kernel
from services.kit.log_watch import LogWatch
from services.kit.settings import KitSettings
from services.kit.shell import Subscription, make_broker

SOURCE = "soumu"


def _modules(service: str) -> list[Any]:
    package = importlib.import_module(f"services.{service}")
    names = [m.name for m in pkgutil.walk_packages(package.__path__, f"services.{service}.")]
    return [importlib.import_module(name) for name in names if ".migrations" not in name]


def _handler_classes() -> list[type]:
    found: dict[str, type] = {}
    for service in SERVICES:
        for module in _modules(service):
            for _, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == module.__name__ and inspect.iscoroutinefunction(
                    getattr(kind, "handle", None)
                ):
                    found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return list(found.values())


HANDLERS = _handler_classes()


def _topics(handler: type) -> tuple[str, ...]:
    topics = handler.__dict__.get("topics", ())
    return topics if isinstance(topics, tuple) and topics else (f"inbound-{SOURCE}",)


def test_the_catalogue_names_every_subscriber_and_no_other() -> None:
    wanted: dict[str, set[str]] = {}
    for topic in catalogue.templates():
        for consumer in topic.consumers:
            if "." in consumer:
                wanted.setdefault(consumer, set()).add(topic.name)
    found = {
        handler.consumer: {"inbound-{source}" if t.startswith("inbound-") else t for t in _topics(handler)}  # type: ignore[attr-defined]
        for handler in HANDLERS
    }
    assert found == wanted


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda h: h.consumer)
def test_a_subscriber_wants_only_what_its_topics_carry(handler: Any) -> None:
    known = catalogue.topics((SOURCE,))
    carried = {name for topic in _topics(handler) for name in known[topic].types}
    assert set(handler.wants) <= carried
    assert set(handler.wants) <= set(BY_NAME)


class _Bare:
    """A handler's declaration without its work."""

    def __init__(self, handler: Any) -> None:
        self.consumer, self.topics, self.wants = handler.consumer, _topics(handler), frozenset(handler.wants)

    def new_cache(self, partition: int) -> None:
        return None

    async def handle(self, lanes: Any, tx: Any) -> Any:
        raise AssertionError("not called")


@pytest.fixture
def subscriptions(tmp_path: Path) -> list[Any]:
    settings = KitSettings(secrets_dir=tmp_path, kafka_security="PLAINTEXT", kafka_bootstrap="127.0.0.1:1")
    made = []
    for handler in HANDLERS:
        broker = make_broker(settings, "service")
        kernel = Kernel("service", _Bare(handler), pool=None, publishing=None)  # type: ignore[arg-type]
        Subscription(broker, kernel, settings, watch=LogWatch.__new__(LogWatch))
        made += [(handler, subscriber) for subscriber in broker.subscribers]
    return made


def test_faststream_decides_nothing_about_delivery(subscriptions: list[Any]) -> None:
    assert len(subscriptions) == len(HANDLERS)
    for handler, subscriber in subscriptions:
        arguments = subscriber._connection_args
        assert subscriber.ack_policy is AckPolicy.MANUAL, handler
        assert subscriber._no_reply is True, handler
        assert subscriber.group_id == handler.consumer
        assert arguments["group_instance_id"] == f"{handler.consumer}.0"
        assert arguments["auto_offset_reset"] == "none"
        assert arguments["enable_auto_commit"] is False
        assert arguments["isolation_level"] == "read_committed"


def test_groups_and_instances_are_never_shared(subscriptions: list[Any]) -> None:
    groups = [subscriber.group_id for _, subscriber in subscriptions]
    assert len(set(groups)) == len(groups)


def test_no_part_of_a_service_publishes_past_the_kernel() -> None:
    root = Path(services.__file__).parent
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        for forbidden in (
            ".publish_batch(",
            "@broker.publisher",
            "@publisher",
            "asyncapi_path",
            "TestKafkaBroker",
        ):
            assert forbidden not in text, f"{path.relative_to(root)} uses {forbidden}"
        if "kit" not in path.relative_to(root).parts:
            assert "AIOKafkaProducer" not in text, path
