"""Kafka's own key partitioning, which every producer of a topic must agree on.

The client's murmur2 takes twice as long. Remembered are a city's keys, no more: an entry takes 330 bytes in each
service that sends keyed events.
"""

from functools import lru_cache
from struct import Struct, unpack_from

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_KEPT = 1 << 15
#: Most keys are linkage IDs, 32 hex digits.
_EIGHT_WORDS = Struct("<8I")


@lru_cache(maxsize=_KEPT)
def partition_of(key: str, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """32-bit murmur2 with Kafka's seed (``org.apache.kafka.common.utils.Utils.murmur2``), unsigned."""
    length = len(data)
    words = _EIGHT_WORDS.unpack(data) if length == 32 else unpack_from(f"<{length >> 2}I", data)
    found = _SEED ^ length
    for word in words:
        word = word * _FACTOR & _MASK
        found = (found * _FACTOR & _MASK) ^ ((word ^ word >> 24) * _FACTOR & _MASK)
    if rest := data[length & ~3 :]:
        found = (found ^ int.from_bytes(rest, "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    return found ^ found >> 15
