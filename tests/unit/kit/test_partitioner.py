"""Our partitions are those of every other Kafka client."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as client_murmur2
from hypothesis import given
from hypothesis import strategies as st

from services.kit.partitioner import murmur2, partition_of


@given(st.binary(max_size=80))
def test_murmur2_is_the_clients(data: bytes) -> None:
    assert murmur2(data) == client_murmur2(data) & 0xFFFFFFFF


@given(st.binary(min_size=16, max_size=16), st.integers(1, 64))
def test_a_linkage_id_goes_where_the_client_sends_it(raw: bytes, partitions: int) -> None:
    key = raw.hex()
    assert partition_of(key, partitions) == (client_murmur2(key.encode()) & 0x7FFFFFFF) % partitions
