"""msgspec's errors to a kind and a JSON pointer. Its texts quote values, so only known phrases are read."""

import re

import msgspec

from services.ingest.refusals import Kind, Unfit

_PATH = re.compile(r" - at `(\$[A-Za-z0-9_.\[\]]{0,120})`$")
_MISSING = re.compile(r"^Object missing required field `([a-z_]{1,40})`")
_STEP = re.compile(r"[A-Za-z0-9_]+")
_KINDS = (
    ("Object missing required field", Kind.missing_field),
    ("Object contains unknown field", Kind.unknown_field),
    ("Invalid enum value", Kind.not_coded),
    ("Invalid RFC3339", Kind.bad_date),
    ("Expected `str` matching", Kind.bad_shape),
    ("Expected `str` of length", Kind.bad_shape),
)
_LIMIT = re.compile(r"^Expected `(?:int|float|array)` (?:of length )?[<>]")


def _kind(text: str) -> Kind:
    for beginning, kind in _KINDS:
        if text.startswith(beginning):
            return kind
    return Kind.out_of_range if _LIMIT.match(text) else Kind.wrong_type


def _pointer(text: str, below: str) -> str:
    found = _PATH.search(text)
    steps = _STEP.findall(found.group(1)) if found else []
    missing = _MISSING.match(text)
    if missing:
        steps.append(missing.group(1))
    return "".join([below, *(f"/{step}" for step in steps)])


def unfit(error: Exception, below: str) -> Unfit:
    """What a decoding error means.

    Args:
        error: from msgspec's decoder; ``RecursionError`` and ``UnicodeDecodeError`` come from it too.
        below: JSON pointer of the decoded document in the event ("/data").
    """
    if isinstance(error, msgspec.ValidationError):
        text = str(error)
        return Unfit(_kind(text), _pointer(text, below))
    if isinstance(error, UnicodeDecodeError):
        return Unfit(Kind.not_utf8, below)
    return Unfit(Kind.not_json, below)


#: What msgspec raises for input that it cannot read.
DECODING = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
