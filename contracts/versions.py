"""The version of one fact as a single integer that orders and sums.

``mark_version`` packs (recorded seconds since 2020, sequence, first bits of the event id) into
54 bits: greater is later; 366 of them still sum within 63 bits, so a state's version can be the
sum of its facts' versions (a function of the state, never a count of emissions).
"""

from contracts.envelope import Meta

#: 2020-01-01T00:00:00Z in POSIX seconds.
EPOCH_SECONDS = 1_577_836_800
_SEQUENCE_BITS = 6
_ID_BITS = 16
_MAX_SECONDS = (1 << 32) - 1
_MAX_SEQUENCE = (1 << _SEQUENCE_BITS) - 1


def mark_version(meta: Meta) -> int:
    """Order of a fact among those of the same natural key: recorded time, sequence, event id."""
    seconds = min(max(int(meta.recorded_at.timestamp()) - EPOCH_SECONDS, 0), _MAX_SECONDS)
    sequence = min(max(meta.sequence, 0), _MAX_SEQUENCE)
    tie = int.from_bytes(meta.id.replace("-", "").encode()[-2:], "big")
    return (seconds << (_SEQUENCE_BITS + _ID_BITS)) | (sequence << _ID_BITS) | tie


def recorded_seconds(version: int) -> int:
    """POSIX seconds of the recorded time inside a mark version."""
    return (version >> (_SEQUENCE_BITS + _ID_BITS)) + EPOCH_SECONDS
