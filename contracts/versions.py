"""The version of one fact as a single integer that orders and sums.

``mark_version`` packs (recorded seconds since 2020, sequence, last bytes of the event id) into
54 bits: greater is later; 366 of them still sum within 63 bits, so a state's version can be the
sum of its facts' versions (a function of the state, never a count of emissions).
"""

from datetime import UTC, datetime

from contracts.envelope import Meta

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
#: The same in POSIX seconds.
EPOCH_SECONDS = 1_577_836_800
_DAY_SECONDS = 86_400
_SEQUENCE_BITS = 6
_ID_BITS = 16
_MAX_SECONDS = (1 << 32) - 1
_MAX_SEQUENCE = (1 << _SEQUENCE_BITS) - 1


def mark_version(meta: Meta) -> int:
    """Order of a fact among those of the same natural key: recorded time, sequence, event id."""
    since = meta.recorded_at - _EPOCH
    seconds, sequence = since.days * _DAY_SECONDS + since.seconds, meta.sequence
    if not (0 <= seconds <= _MAX_SECONDS and 0 <= sequence <= _MAX_SEQUENCE):
        seconds, sequence = min(max(seconds, 0), _MAX_SECONDS), min(max(sequence, 0), _MAX_SEQUENCE)
    return (seconds << (_SEQUENCE_BITS + _ID_BITS)) | (sequence << _ID_BITS) | _tie(meta.id)


def _tie(name: str) -> int:
    """The last two bytes of an event id, dashes left out."""
    tail = name[-2:]
    if not (tail.isascii() and tail.isalnum()):  # rare: a source's own id; every event's version is asked for
        return int.from_bytes(name.replace("-", "").encode()[-2:], "big")
    return int.from_bytes(tail.encode(), "big")


def recorded_seconds(version: int) -> int:
    """POSIX seconds of the recorded time inside a mark version."""
    return (version >> (_SEQUENCE_BITS + _ID_BITS)) + EPOCH_SECONDS
