"""Three brokers: a lost leader is replaced, nothing acknowledged is lost, a restarted broker catches up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from kizashi.embedded.cluster import KafkaCluster, start_kafka_cluster
from kizashi.embedded.principals import Grant, Principal, admin_client, apply_principals
from tests.support.stack import consume_all, produce_one
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    with start_kafka_cluster(tmp_path / "data") as started:
        yield started


def _leader(cluster: KafkaCluster, topic: str) -> int:
    return admin_client(cluster.address).list_topics(topic, timeout=10).topics[topic].partitions[0].leader


def _in_sync(cluster: KafkaCluster, topic: str) -> int:
    return len(admin_client(cluster.address).list_topics(topic, timeout=10).topics[topic].partitions[0].isrs)


def test_a_killed_leader_is_replaced_and_nothing_acknowledged_is_lost(cluster: KafkaCluster) -> None:
    admin = admin_client(cluster.address)
    for future in admin.create_topics([NewTopic("kept", 1, replication_factor=3)]).values():
        future.result(20)
    writer = Principal("writer", "writer-password", (Grant("write", "topic", "kept"),))
    apply_principals(cluster.address, [writer])
    settings = cluster.address.client_settings("writer", "writer-password") | {"acks": "all"}
    wait_until(lambda: _allowed(settings, "kept", b"before"), 30, "every broker to know the writer")

    leader = _leader(cluster, "kept")
    cluster.brokers[leader - 1].kill()
    wait_until(lambda: _leader(cluster, "kept") not in {leader, -1}, 60, "another leader")
    produce_one(settings, "kept", b"without")

    cluster.brokers[leader - 1].start()
    wait_until(lambda: _in_sync(cluster, "kept") == 3, 60, "the broker caught up")
    assert consume_all(cluster.address.client_settings(), "kept") == [b"before", b"without"]


def _allowed(settings: dict[str, str], topic: str, value: bytes) -> bool:
    """Write one record, unless the leader has not heard of the right yet: brokers learn of it one by one."""
    try:
        produce_one(settings, topic, value)
    except KafkaException as refusal:
        if refusal.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise
        return False
    return True
