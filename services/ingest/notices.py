"""What operators and sources are told of refusals: place, code and size; never a value, key or name."""

from collections.abc import Sequence

from contracts.codes import Refusal
from contracts.operations import DeadLettered, RecordRefused
from services.ingest.blind import told_id
from services.ingest.refusals import Unfit
from services.ingest.sift import Refused
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing

#: Consumer name of the HTTP door in dead-letter notices.
HTTP = "ingest.http"
#: The same for what a sender of files could not even make into records.
FILES = "ingest.files"


def schema_path(pointer: str) -> str:
    """A JSON pointer in the form that notices carry ("$.data.pupil")."""
    return ("$" + pointer.replace("/", "."))[:120] if pointer else ""


def _notice(source: str, number: int, code: Refusal, size_bytes: int, path: str, way: str = HTTP) -> Outgoing:
    topic = f"{'http' if way == HTTP else 'file'}-{source}"
    body = DeadLettered("ingest", way, topic, 0, number, code, size_bytes, path)
    return Outgoing("dead-letters", body, derived_id("dead", way, topic, str(number)))


def of_items(source: str, refused: Sequence[Refused], counted: int) -> list[Outgoing]:
    """One notice for each refused item.

    Args:
        counted: the source's refused items so far, these included; it numbers the notices.
    """
    first = counted - len(refused)
    return [
        _notice(source, first + n, each.unfit.code, each.size_bytes, schema_path(each.unfit.pointer))
        for n, each in enumerate(refused)
    ]


def of_request(source: str, code: Refusal, size_bytes: int, counted: int) -> Outgoing:
    """The notice of a request refused as a whole."""
    return _notice(source, counted - 1, code, size_bytes, "")


def of_files(source: str, refused: Sequence[Refusal], counted: int) -> list[Outgoing]:
    """One notice for each row or file that a sender could not read.

    Args:
        counted: the source's refused items so far, these included; it numbers the notices.
    """
    first = counted - len(refused)
    return [_notice(source, first + n, code, 0, "", FILES) for n, code in enumerate(refused)]


def told(source: str, callers_id: str, code: Refusal, pointer: str) -> Outgoing:
    """What a source that publishes straight to the bus is told on ``<source>-refused``."""
    name = told_id(source, callers_id)
    body = RecordRefused(source, name, code, schema_path(pointer))
    return Outgoing(f"{source}-refused", body, derived_id("refused", source, name, code.value), key=name)


def to_source(source: str, callers_id: str, unfit: Unfit) -> Outgoing:
    """The same of a record that did not fit."""
    return told(source, callers_id, unfit.code, unfit.pointer)
