"""Every part authenticates, and a principal or role can do what it was given and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest
import redis
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from kizashi.embedded.principals import Grant, Principal, apply_principals, grants_on_broker
from kizashi.embedded.roles import Login, Schema, apply_schemas, connect_administrator
from kizashi.embedded.stack import Stack
from tests.support.stack import consume_all, create_topic, new_database, produce_one
from tests.support.waiting import wait_until

_READER = Principal(
    "test-reader",
    "reader-password",
    (Grant("read", "topic", "access-open"), Grant("read", "group", "test-reader.", prefixed=True)),
)
_WRITER = Principal(
    "test-writer",
    "writer-password",
    (Grant("write", "topic", "access-open"), Grant("read", "group", "test-writer.", prefixed=True)),
)


@pytest.fixture(scope="module")
def topics(stack: Stack) -> Stack:
    """Two topics with a record each, and two principals for one of them."""
    for name in ("access-open", "access-closed"):
        create_topic(stack, name)
        produce_one(stack.addresses.kafka.client_settings(), name, b"record")
    apply_principals(stack.addresses.kafka, [_READER, _WRITER])
    return stack


def _settings(stack: Stack, principal: Principal) -> dict[str, str]:
    return stack.addresses.kafka.client_settings(principal.name, principal.password)


def _refusal(action: Callable[[], object]) -> KafkaError:
    with pytest.raises(KafkaException) as refused:
        action()
    error = refused.value.args[0]
    assert isinstance(error, KafkaError)
    return error


def test_a_principal_does_what_it_was_given(topics: Stack) -> None:
    produce_one(
        _settings(topics, _WRITER) | {"enable.idempotence": "true"}, "access-open", b"from the writer"
    )
    found = consume_all(_settings(topics, _READER), "access-open", group="test-reader.one")
    assert found == [b"record", b"from the writer"]


@pytest.mark.parametrize("topic", ["access-open", "access-closed"])
def test_a_reader_cannot_write(topics: Stack, topic: str) -> None:
    error = _refusal(lambda: produce_one(_settings(topics, _READER), topic, b"forbidden"))
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_writer_cannot_read(topics: Stack) -> None:
    error = _refusal(lambda: consume_all(_settings(topics, _WRITER), "access-open", group="test-writer.x"))
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_reader_cannot_read_another_topic(topics: Stack) -> None:
    error = _refusal(
        lambda: consume_all(_settings(topics, _READER), "access-closed", group="test-reader.one")
    )
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_withdrawn_right_is_gone(topics: Stack) -> None:
    principal = Principal("test-moved", "moved-password", (Grant("write", "topic", "access-open"),))
    apply_principals(topics.addresses.kafka, [principal])
    produce_one(_settings(topics, principal), "access-open", b"allowed")
    moved = replace(principal, grants=(Grant("read", "topic", "access-closed"),))
    apply_principals(topics.addresses.kafka, [moved])

    assert grants_on_broker(topics.addresses.kafka, "test-moved") == frozenset(moved.grants)
    error = _refusal(lambda: produce_one(_settings(topics, principal), "access-open", b"no more"))
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    ("name", "password"), [("admin", "wrong"), ("test-reader", "wrong"), ("nobody", "reader-password")]
)
def test_kafka_refuses_a_wrong_password(topics: Stack, name: str, password: str) -> None:
    settings = topics.addresses.kafka.client_settings(name, password)
    error = _refusal(lambda: produce_one(settings, "access-open", b"forbidden"))
    assert error.code() == KafkaError._AUTHENTICATION


def test_kafka_refuses_a_client_that_does_not_sign_in(topics: Stack) -> None:
    anonymous = AdminClient({"bootstrap.servers": topics.addresses.kafka.bootstrap, "log_level": 0})
    with pytest.raises(KafkaException):
        anonymous.list_topics(timeout=2)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_redis_refuses(stack: Stack, password: str | None) -> None:
    address = stack.addresses.redis
    client = redis.Redis(host=address.host, port=address.port, password=password, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_postgres_refuses(stack: Stack, password: str) -> None:
    address = stack.addresses.postgres
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
        await asyncpg.connect(
            host=address.host,
            port=address.port,
            user="postgres",
            password=password,
            database="postgres",
            ssl=False,
        )


async def _sign_in(stack: Stack, login: Login, database: str) -> asyncpg.Connection:
    address = stack.addresses.postgres
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=login.name,
        password=login.password,
        database=database,
        ssl=False,
    )


async def test_a_service_uses_its_own_schema_and_no_other(stack: Stack) -> None:
    address = await new_database(stack)
    owner, runtime = Login("testa_owner", "one"), Login("testa", "two")
    narrow = Login("testa_page", "four", rights=())
    other_owner, other = Login("testb_owner", "five"), Login("testb", "six")
    schemas = [Schema("testa", owner, (runtime, narrow)), Schema("testb", other_owner, (other,))]
    await apply_schemas(address, schemas)
    await apply_schemas(address, schemas)

    by_owner = await _sign_in(stack, owner, address.database)
    await by_owner.execute("CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    await by_owner.close()

    user = await _sign_in(stack, runtime, address.database)
    await user.execute("INSERT INTO thing (word) VALUES ('mine')")
    assert await user.fetchval("SELECT word FROM testa.thing") == "mine"
    for forbidden in ("DROP TABLE thing", "CREATE TABLE other (id int)", "TRUNCATE thing", "CREATE ROLE x"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await user.execute(forbidden)
    await user.close()

    for stranger in (narrow, other, other_owner):
        connection = await _sign_in(stack, stranger, address.database)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM testa.thing")
        await connection.close()

    for database in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _sign_in(stack, runtime, database)


async def test_names_that_are_no_identifiers_are_refused(stack: Stack) -> None:
    bad = Schema('x"; DROP SCHEMA public; --', Login("a", "b"), ())
    with pytest.raises(ValueError, match="identifier"):
        await apply_schemas(stack.addresses.postgres, [bad])


async def test_no_value_of_a_failed_statement_reaches_the_log(stack: Stack) -> None:
    canary = "canary-山田太郎"
    connection = await connect_administrator(await new_database(stack))
    await connection.execute(
        "CREATE TABLE strict (id int PRIMARY KEY, word text NOT NULL CHECK (length(word) < 3))"
    )
    for statement in (
        "INSERT INTO strict VALUES (1, $1)",
        "SELECT $1::text::int",
        "SELECT to_date($1, 'YYYY-MM-DD')",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(statement, canary)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute(f"INSERT INTO strict VALUES (1, '{canary}')")
    await connection.close()
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=stack.addresses.postgres.port,
            user="unknown",
            password="x",
            database="x",
            ssl=False,
        )
    log = stack.data_dir / "logs" / "postgres.log"
    wait_until(lambda: b"unknown" in log.read_bytes(), what="the refused sign-in in the log")
    assert canary.encode() not in log.read_bytes()
