"""Who may do what in a running town: on the bus what the catalogue says, in the database each service its own schema.

Both tables are read off the servers whole, so that a right too many is found as one that is missing.
"""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from contracts import catalogue
from kizashi.embedded.principals import admin_client
from kizashi.topology import SERVICES
from tests.e2e.support.seventy import DIRECT
from tests.e2e.support.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

#: Database roles that may enter a schema; nobody else may.
MAY_ENTER = {
    **{name: {f"{name}_owner", f"{name}_run"} for name in SERVICES if name != "gateway"},
    "gateway": {"gateway_owner", "gateway_feed", "gateway_page", "gateway_canary"},
    "audit": {"gateway_owner", "gateway_feed", "gateway_page", "audit_sealer"},
}
_ENTRIES = """
SELECT r.rolname AS role, n.nspname AS schema
FROM pg_roles AS r CROSS JOIN pg_namespace AS n
WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND n.nspname !~ '^(pg_|information_schema$)'
    AND (has_schema_privilege(r.oid, n.oid, 'USAGE') OR has_schema_privilege(r.oid, n.oid, 'CREATE'))
"""

Right = tuple[str, str, str, str]


def catalogued() -> set[Right]:
    """(principal, operation, kind, name) of everybody whom the catalogue names, and each one's own groups."""
    rights = set()
    for topic in catalogue.topics((DIRECT,)).values():
        rights |= {(_principal(who), "WRITE", "TOPIC", topic.name) for who in topic.producers}
        rights |= {(_principal(who), "READ", "TOPIC", topic.name) for who in topic.consumers}
    return rights | {(who, "READ", "GROUP", f"{who}.*") for who in (*SERVICES, DIRECT)}


def _principal(said: str) -> str:
    """``features.facts`` is of the service features; ``source`` is the school system that writes itself."""
    name = said.replace(" ", ".").partition(".")[0]
    return DIRECT if name == "source" else name


def held(town: Town) -> set[Right]:
    """Every right that the broker gives to anybody."""
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,
        ResourcePatternType.ANY,
        None,
        None,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    admin = admin_client(town.system.stack.addresses.kafka)  # kept by its name until the answer is there
    rights = set()
    for each in admin.describe_acls(everything, request_timeout=20).result(20):
        assert each.permission_type == AclPermissionType.ALLOW and each.host == "*"
        prefixed = each.resource_pattern_type == ResourcePatternType.PREFIXED
        name = f"{each.name}*" if prefixed else each.name
        kind, operation = ResourceType(each.restype).name, AclOperation(each.operation).name
        rights.add((each.principal.removeprefix("User:"), operation, kind, name))
    return rights


async def test_everybody_may_do_on_the_bus_what_the_catalogue_says_and_no_more(town: Town) -> None:
    found = await asyncio.to_thread(held, town)
    assert (DIRECT, "WRITE", "TOPIC", f"inbound-{DIRECT}") in found
    assert found == catalogued()


async def test_a_role_enters_its_own_schema_and_no_other(town: Town) -> None:
    connection = await town.system.administrator()
    try:
        rows = await connection.fetch(_ENTRIES)
    finally:
        await connection.close()
    found = {(row["role"], row["schema"]) for row in rows}
    assert found == {(role, schema) for schema, roles in MAY_ENTER.items() for role in roles}
