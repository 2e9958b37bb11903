"""The AsyncAPI 3.0 document, made from the catalogue and the schemas: ``python -m contracts.asyncapi``.

A static file: a served one of the broker library would let anybody write to any topic.
"""

from pathlib import Path
from typing import Any

import yaml

from contracts import catalogue
from contracts.catalogue import Topic
from contracts.registry import BY_NAME

PATH = Path(__file__).parents[1] / "docs" / "asyncapi.yaml"


def _message(name: str) -> dict[str, Any]:
    event_type = BY_NAME[name]
    summary = (event_type.body.__doc__ or "").strip().splitlines()[0]
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "x-item": event_type.item.value,
        "payload": {"$ref": f"../contracts/schemas/{name}.json"},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.types},
        "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
        "x-key": topic.key,
        "x-personal": topic.personal,
    }


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{_reference(topic)}"}
    sends = {
        f"{name}-sends-{_reference(topic)}": {"action": "send", "channel": channel}
        for name in topic.producers
    }
    receives = {
        f"{name.split(' ')[0]}-receives-{_reference(topic)}": {"action": "receive", "channel": channel}
        for name in topic.consumers
    }
    return sends | receives


def _reference(topic: Topic) -> str:
    return topic.name.replace("{source}", "SOURCE")


def document() -> dict[str, Any]:
    """The whole document as plain data."""
    topics = catalogue.templates()
    operations: dict[str, Any] = {}
    for topic in topics:
        operations |= _operations(topic)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Kizashi event bus", "version": "1"},
        "channels": {_reference(topic): _channel(topic) for topic in topics},
        "operations": operations,
        "components": {"messages": {name: _message(name) for name in BY_NAME}},
    }


def text() -> str:
    """As committed."""
    return yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=110)


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
