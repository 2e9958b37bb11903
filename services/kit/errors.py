"""Exceptions to codes. Libraries quote the offending value in their texts, so no text ever leaves.

msgspec ("Invalid enum value '…'"), asyncpg and PostgreSQL quote values; what may be logged or
published is a :class:`~contracts.codes.Refusal` and, for schema errors, the path.
"""

import re
import traceback

import asyncpg
import msgspec

from contracts.codes import Refusal
from contracts.envelope import HeaderError

_PATH = re.compile(r" - at `([$A-Za-z0-9_.\[\]\-]{1,120})`$")


class UnknownType(ValueError):
    """An event type that this topic does not carry."""


def safe_error(error: BaseException) -> tuple[Refusal, str]:
    """The code of an error and, where a schema was broken, the path of field names."""
    if isinstance(error, HeaderError):
        return Refusal.bad_header, ""
    if isinstance(error, UnknownType):
        return Refusal.unknown_type, ""
    if isinstance(error, msgspec.ValidationError):
        found = _PATH.search(str(error))
        return Refusal.schema, found.group(1) if found else ""
    if isinstance(error, UnicodeDecodeError):
        return Refusal.not_utf8, ""
    if isinstance(error, msgspec.DecodeError):
        return Refusal.not_json, ""
    return Refusal.internal, ""


def error_name(error: BaseException) -> str:
    """What a log line may say of an exception: its class and the place in our code, never its text."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "/services/" in f.filename]
    if not ours:
        return name
    return f"{name} at services/{ours[-1].filename.rpartition('/services/')[2]}:{ours[-1].lineno}"


_TRANSIENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that ended in the middle of something
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.LockNotAvailableError,
    ConnectionError,
    OSError,
    TimeoutError,
)


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again can help: the fault is in the database or on the way to it."""
    return isinstance(error, _TRANSIENT)
