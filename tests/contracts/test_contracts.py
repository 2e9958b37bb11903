"""The language of the bus keeps its promises: closed, growing only, and nameless beyond identity."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from msgspec import inspect as shapes

import contracts
from contracts import asyncapi, catalogue, schemas
from contracts.codes import BASIS_ITEMS, Basis, Item
from contracts.features import ATTENDANCE_FEATURES, INFIRMARY_FEATURES, SURVEY_FEATURES
from contracts.registry import BY_NAME, decoder, encode

EXAMPLES = Path(contracts.__file__).parent / "examples"
NAMES = sorted(BY_NAME)
#: Where names of people may travel; everything else is walked below.
IDENTIFIED_TOPICS = {"inbound-{source}", "records", "school-records", "pupil-profile"}


@pytest.mark.parametrize("name", NAMES)
def test_example_is_read_and_written_back_the_same(name: str) -> None:
    content = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    body = decoder(name).decode(json.dumps(content).encode())
    assert json.loads(encode(body)) == content


@pytest.mark.parametrize("name", NAMES)
def test_example_fits_the_published_schema(name: str) -> None:
    content = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    schema = schemas.published(name)
    assert schema is not None
    jsonschema.Draft202012Validator(schema).validate(content)


def test_every_example_belongs_to_a_type() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_published_schema_is_the_generated_one(name: str) -> None:
    published = schemas.published(name)
    assert published is not None, "run: make contracts"
    generated = schemas.generate(name)
    assert schemas.breaking(published, generated) == []
    assert schemas.text(published) == schemas.text(generated), "run: make contracts"


def _marked() -> schemas.Schema:
    return schemas.generate("attendance-marked")


def _drop_field(schema: schemas.Schema) -> None:
    del schema["$defs"]["AttendanceMarked"]["properties"]["date"]


def _require_more(schema: schemas.Schema) -> None:
    schema["$defs"]["AttendanceMarked"]["required"].append("flags")


def _narrow_type(schema: schemas.Schema) -> None:
    schema["$defs"]["AttendanceMarked"]["properties"]["school"]["pattern"] = "^x$"


def _drop_code(schema: schemas.Schema) -> None:
    schema["$defs"]["AttendanceCode"]["enum"].remove(3)


def _change_item(schema: schemas.Schema) -> None:
    schema["x-item"] = "welfare"


@pytest.mark.parametrize("damage", [_drop_field, _require_more, _narrow_type, _drop_code, _change_item])
def test_breaking_changes_are_found(damage) -> None:  # type: ignore[no-untyped-def]
    changed = copy.deepcopy(_marked())
    damage(changed)
    assert schemas.breaking(_marked(), changed)


def test_growth_is_not_breaking() -> None:
    changed = copy.deepcopy(_marked())
    changed["$defs"]["AttendanceMarked"]["properties"]["period"] = {"type": "integer", "default": 0}
    changed["$defs"]["AttendanceCode"]["enum"].append(9)
    assert schemas.breaking(_marked(), changed) == []


def _strings(kind: shapes.Type, path: str) -> list[tuple[str, shapes.StrType]]:
    if isinstance(kind, shapes.StrType):
        return [(path, kind)]
    if isinstance(kind, shapes.StructType):
        return [found for field in kind.fields for found in _strings(field.type, f"{path}.{field.name}")]
    if isinstance(kind, shapes.UnionType):
        return [found for each in kind.types for found in _strings(each, path)]
    if isinstance(kind, shapes.ListType | shapes.VarTupleType):
        return _strings(kind.item_type, f"{path}[]")
    assert not isinstance(kind, shapes.AnyType | shapes.DictType | shapes.BytesType | shapes.RawType), path
    return []


NAMELESS = [name for name in NAMES if not BY_NAME[name].identified]


@pytest.mark.parametrize("name", NAMELESS)
def test_beyond_identity_no_unbounded_string(name: str) -> None:
    open_ended = [
        path for path, kind in _strings(shapes.type_info(BY_NAME[name].body), name) if not kind.pattern
    ]
    assert open_ended == []


@pytest.mark.parametrize("name", NAMELESS)
@pytest.mark.parametrize("text", ["山田 太郎", "言いたくないことがある", "<img src=x>", "田中=1"])
def test_beyond_identity_no_pattern_takes_a_name_or_free_text(name: str, text: str) -> None:
    import re

    takers = [
        path
        for path, kind in _strings(shapes.type_info(BY_NAME[name].body), name)
        if kind.pattern and re.search(kind.pattern, text) and not path.endswith("SchoolDescribed.name")
    ]
    school_names = {"school-described.name"}
    assert set(takers) <= school_names


def test_identified_types_travel_only_where_names_may() -> None:
    for topic in catalogue.templates():
        holds_names = any(BY_NAME[name].identified for name in topic.types)
        assert holds_names == (topic.name in IDENTIFIED_TOPICS), topic.name
        assert (topic.personal == "identified") == holds_names, topic.name


def test_every_topic_says_which_items_it_carries() -> None:
    for topic in catalogue.templates():
        assert {BY_NAME[name].item for name in topic.types} <= set(topic.items), topic.name


def test_every_type_has_an_item_and_a_topic() -> None:
    carried = {name for topic in catalogue.templates() for name in topic.types}
    assert carried == set(NAMES)
    assert all(isinstance(BY_NAME[name].item, Item) for name in NAMES)


def test_features_belong_to_the_items_of_their_basis() -> None:
    assert {f.item for f in ATTENDANCE_FEATURES} == {Item.attendance}
    everything = ATTENDANCE_FEATURES + INFIRMARY_FEATURES + SURVEY_FEATURES
    assert {f.item for f in everything} == set(BASIS_ITEMS[Basis.combined])
    assert len({f.name for f in everything}) == len(everything)


def test_topics_with_personal_data_are_short_lived_and_not_compacted() -> None:
    for topic in catalogue.templates():
        if topic.personal != "none":
            assert topic.cleanup == "delete", topic.name
            assert topic.retention_days <= (
                3 if topic.personal == "identified" and topic.name != "pupil-profile" else 14
            )


def test_a_misspelt_key_in_a_topic_file_is_an_error() -> None:
    good = msgspec.to_builtins(catalogue.topic("records"))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, "retention": 3}, catalogue.Topic)


def test_asyncapi_document_is_the_generated_one() -> None:
    assert asyncapi.PATH.read_text("utf-8") == asyncapi.text(), "run: make contracts"
