"""PostgreSQL roles: per service schema an owner that migrates it and runtime roles that only use it.

    await apply_schemas(stack.addresses.postgres, [
        Schema("features", Login("features_owner", password), (Login("features", password),)),
    ])

Nobody else may even connect. Passwords reach the server as SCRAM verifiers, never in clear.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kizashi.embedded.postgres import PostgresAddress

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ITERATIONS = 4096
_USE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


@dataclass(frozen=True)
class Login:
    """A role that signs in with `password`.

    `rights` are granted on every table that the schema's owner makes from now on; a role whose rights the
    migrations grant table by table has none here.
    """

    name: str
    password: str
    rights: tuple[str, ...] = _USE


@dataclass(frozen=True)
class Schema:
    """A service's schema, its owner (all rights in it, for migrations) and its runtime roles."""

    name: str
    owner: Login
    runtime: tuple[Login, ...]


async def connect_administrator(
    address: PostgresAddress, connect_seconds: float = 60.0, statement_seconds: float | None = None
) -> asyncpg.Connection:
    """A connection as the superuser, to the database of `address`; what takes longer is a TimeoutError."""
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.superuser,
        password=address.password(),
        database=address.database,
        ssl=False,
        timeout=connect_seconds,
        command_timeout=statement_seconds,
    )


async def apply_schemas(address: PostgresAddress, schemas: Sequence[Schema]) -> None:
    """Make roles, passwords, schemas and default rights what `schemas` says. Can be repeated.

    Raises ValueError for a name that is not a plain lower-case identifier.
    """
    statements = [line for schema in schemas for line in _schema_statements(schema, address.database)]
    connection = await connect_administrator(address)
    try:
        async with connection.transaction():
            await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for login in {login for schema in schemas for login in (schema.owner, *schema.runtime)}:
                await _ensure_login(connection, login, address.database)
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("names of roles, schemas and databases are plain lower-case identifiers")
    return name


async def _ensure_login(connection: asyncpg.Connection, login: Login, database: str) -> None:
    name = _plain(login.name)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {name}")
    await connection.execute(f"ALTER ROLE {name} {_PLAIN} PASSWORD '{scram_verifier(login.password)}'")
    await connection.execute(f"GRANT CONNECT ON DATABASE {_plain(database)} TO {name}")


def _schema_statements(schema: Schema, database: str) -> list[str]:
    name, owner, database = _plain(schema.name), _plain(schema.owner.name), _plain(database)
    statements = [
        f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {owner}",
        f"REVOKE ALL ON SCHEMA {name} FROM PUBLIC",
        f"ALTER ROLE {owner} IN DATABASE {database} SET search_path = {name}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ]
    for login in schema.runtime:
        statements += _runtime_statements(name, owner, login, database)
    return statements


def _runtime_statements(schema: str, owner: str, login: Login, database: str) -> list[str]:
    role, rights = _plain(login.name), ", ".join(login.rights)
    statements = [
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"ALTER ROLE {role} IN DATABASE {database} SET search_path = {schema}",
    ]
    if rights and set(login.rights) <= set(_USE):
        by_owner = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT"
        statements += [f"{by_owner} {rights} ON TABLES TO {role}", f"{by_owner} USAGE ON SEQUENCES TO {role}"]
    return statements


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a SCRAM-SHA-256 password (RFC 5802 section 3, RFC 7677).

    `password` is one that we generated: ASCII, so that SASLprep leaves it as it is.
    """
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
