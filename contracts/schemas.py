"""JSON Schemas of all event types, generated from the structs and committed under ``schemas/``.

``python -m contracts.schemas`` writes them and refuses a change that would break a reader or a
writer of what is already published: contracts only grow.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from contracts.registry import BY_NAME

FOLDER = Path(__file__).parent / "schemas"
Schema = dict[str, Any]


def generate(name: str) -> Schema:
    """The JSON Schema of one event type's body, with its item."""
    event_type = BY_NAME[name]
    schema = msgspec.json.schema(event_type.body)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"kizashi:{name}",
        "x-item": event_type.item.value,
        "x-identified": event_type.identified,
        **schema,
    }


def text(schema: Schema) -> str:
    """As committed."""
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def published(name: str) -> Schema | None:
    """The committed schema, if there is one."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def breaking(old: Schema, new: Schema) -> list[str]:
    """What in ``new`` would break those who read or write by ``old``; empty when it only grows."""
    found = [f"{key} changed" for key in ("x-item", "x-identified") if old.get(key) != new.get(key)]
    definitions = new.get("$defs", {})
    for name, definition in old.get("$defs", {}).items():
        if name not in definitions:
            found.append(f"{name}: removed")
        else:
            found += _compare(name, definition, definitions[name])
    return found


def _compare(where: str, old: Schema, new: Schema) -> Iterator[str]:
    if "enum" in old:
        gone = set(old["enum"]) - set(new.get("enum", []))
        yield from (f"{where}: value {value!r} removed" for value in sorted(gone, key=str))
        return
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, property_ in before.items():
        if name not in after:
            yield f"{where}.{name}: removed"
        elif _shape(property_) != _shape(after[name]):
            yield f"{where}.{name}: changed"
    required = set(new.get("required", [])) - set(old.get("required", []))
    yield from (f"{where}.{name}: now required" for name in sorted(required))


def _shape(property_: Schema) -> str:
    return json.dumps(
        {k: v for k, v in property_.items() if k not in ("default", "description")}, sort_keys=True
    )


def main() -> int:
    """Write all schemas; returns 1 and writes nothing when one would break."""
    generated = {name: generate(name) for name in BY_NAME}
    problems = [
        f"{name}: {problem}"
        for name, schema in generated.items()
        if (old := published(name)) is not None
        for problem in breaking(old, schema)
    ]
    if problems:
        sys.stderr.write("not written, published contracts only grow:\n" + "\n".join(problems) + "\n")
        return 1
    for name, schema in generated.items():
        (FOLDER / f"{name}.json").write_text(text(schema), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
