"""Kafka principals: SCRAM users and exactly the ACLs they were given, through confluent-kafka's admin client.

    apply_principals(stack.addresses.kafka, [
        Principal("ingest", password, (Grant("write", "topic", "records"), Grant("read", "group", "ingest."))),
    ])

Who may do what comes from the catalogue, by the caller. Reading or writing implies describing; a producer may
be idempotent on every topic it may write. An ACL that the broker has and the caller does not name is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, cast

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from kizashi.embedded.broker_check import KafkaAddress

Operation = Literal["read", "write", "describe"]
Resource = Literal["topic", "group"]

# The passwords are 192 random bits: stretching them would protect nothing.
_ITERATIONS = 4096
_TIMEOUT_SECONDS = 20.0
# The client wants None for "any", which its types do not say.
_ANY = cast(str, None)

_OPERATIONS: dict[Operation, AclOperation] = {
    "read": AclOperation.READ,
    "write": AclOperation.WRITE,
    "describe": AclOperation.DESCRIBE,
}
_RESOURCES: dict[Resource, ResourceType] = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}


@dataclass(frozen=True, order=True)
class Grant:
    """One right: `operation` on the topic or group `name`, or with `prefixed` on all whose names begin so."""

    operation: Operation
    resource: Resource
    name: str
    prefixed: bool = False


@dataclass(frozen=True)
class Principal:
    """A SCRAM user, its password and all its rights."""

    name: str
    password: str
    grants: tuple[Grant, ...]


def admin_client(address: KafkaAddress) -> AdminClient:
    """An admin client signed in as the stack's administrator."""
    return AdminClient({**address.client_settings(), "log_level": "0"})


def apply_principals(address: KafkaAddress, principals: Sequence[Principal]) -> None:
    """Make the users, their passwords and their ACLs what `principals` says; others are left alone.

    Raises confluent_kafka.KafkaException when the broker refuses.
    """
    admin = admin_client(address)
    _set_passwords(admin, principals)
    wanted = {_binding(principal.name, grant) for principal in principals for grant in principal.grants}
    present = {binding for principal in principals for binding in _present(admin, principal.name)}
    if missing := wanted - present:
        _wait(admin.create_acls(list(missing), request_timeout=_TIMEOUT_SECONDS).values())
    if surplus := present - wanted:
        filters = [_exactly(binding) for binding in surplus]
        _wait(admin.delete_acls(filters, request_timeout=_TIMEOUT_SECONDS).values())


def grants_on_broker(address: KafkaAddress, principal: str) -> frozenset[Grant]:
    """The rights that the broker holds for `principal` now."""
    operations = {code: name for name, code in _OPERATIONS.items()}
    resources = {code: name for name, code in _RESOURCES.items()}
    return frozenset(
        Grant(
            operations[AclOperation(binding.operation)],
            resources[ResourceType(binding.restype)],
            binding.name,
            binding.resource_pattern_type == ResourcePatternType.PREFIXED,
        )
        for binding in _present(admin_client(address), principal)
    )


def _wait(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result(_TIMEOUT_SECONDS)


def _set_passwords(admin: AdminClient, principals: Sequence[Principal]) -> None:
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, _ITERATIONS)
    users: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(principal.name, credential, principal.password.encode())
        for principal in principals
    ]
    _wait(admin.alter_user_scram_credentials(users, request_timeout=_TIMEOUT_SECONDS).values())


def _binding(principal: str, grant: Grant) -> AclBinding:
    return AclBinding(
        _RESOURCES[grant.resource],
        grant.name,
        ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL,
        f"User:{principal}",
        "*",
        _OPERATIONS[grant.operation],
        AclPermissionType.ALLOW,
    )


def _present(admin: AdminClient, principal: str) -> list[AclBinding]:
    everything = AclBindingFilter(
        ResourceType.ANY,
        _ANY,
        ResourcePatternType.ANY,
        f"User:{principal}",
        _ANY,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    found: list[AclBinding] = admin.describe_acls(everything, request_timeout=_TIMEOUT_SECONDS).result()
    return found


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )
