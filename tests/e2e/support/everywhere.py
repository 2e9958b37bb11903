"""Searches for words in all that a running system keeps or tells: found, not listed, so that nothing is left out.

A place is named by where it is: ``postgres identity.claim.body``, ``kafka records value``, ``log notify.0.log``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
from redis.asyncio import Redis

from services.gateway.searching import searchable
from tests.e2e.support.bus import Log
from tests.e2e.support.collector import Collector
from tests.e2e.support.town import Town

#: (place, group of words) found.
Hits = set[tuple[str, str]]

_COLUMNS = """
SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, a.atttypid = 'bytea'::regtype AS raw
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
ORDER BY 1, 2, a.attnum
"""


def forms(word: str) -> set[bytes]:
    """The shapes in which a word may lie somewhere."""
    texts = {word, searchable(word), json.dumps(word)[1:-1], quote(word), word.encode().hex()}
    found = {text.encode() for text in texts}
    return found | {word.encode("cp932"), word.encode("utf-16-le"), repr(word.encode())[2:-1].encode()}


class Search:
    """One search for all groups of words."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self._forms = {
            group: sorted({form for word in each for form in forms(word)}) for group, each in words.items()
        }
        self.hits: Hits = set()
        self.places: set[str] = set()

    def look(self, place: str, content: bytes) -> None:
        """Search bytes."""
        self.places.add(place)
        lowered = content.lower()
        for group, each in self._forms.items():
            if any(form.lower() in lowered for form in each):
                self.hits.add((place, group))

    async def everywhere(self, town: Town, collector: Collector) -> None:
        """Search the databases, the topics, Redis, the logs, the metrics and the traces."""
        await self._postgres(town)
        await asyncio.to_thread(self._kafka, town)
        async for content in _redis(town):
            self.look("redis", content)
        await asyncio.to_thread(self._logs, town.system.data_dir / "logs")
        await self._metrics(town)
        self.look("traces", collector.everything)

    async def _postgres(self, town: Town) -> None:
        connection = await town.system.administrator()
        try:
            for row in await connection.fetch(_COLUMNS):
                place = f"postgres {row['schema']}.{row['name']}.{row['column']}"
                self.look(place, await _column(connection, row))
        finally:
            await connection.close()

    def _kafka(self, town: Town) -> None:
        log = Log(town.system.stack.addresses.kafka)
        for topic in log.topics():
            records = log.read(topic)
            self.look(f"kafka {topic} key and headers", b"\n".join(each.outside for each in records))
            self.look(f"kafka {topic} value", b"\n".join(each.value for each in records))

    def _logs(self, folder: Path) -> None:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            self.look(f"log {path.name}", path.read_bytes())

    async def _metrics(self, town: Town) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for member in town.system.supervisor.members:
                answer = await client.get(f"http://127.0.0.1:{member.port}/metrics")
                self.look(f"metrics {member.name}", answer.raise_for_status().content)


async def _column(connection: asyncpg.Connection, row: asyncpg.Record) -> bytes:
    column, table = f'"{row["column"]}"', f'"{row["schema"]}"."{row["name"]}"'
    shown = column if row["raw"] else f"convert_to({column}::text, 'UTF8')"
    content = await connection.fetchval(
        f"SELECT string_agg(DISTINCT {shown}, '\\x0a'::bytea) FROM {table} WHERE {column} IS NOT NULL"
    )
    return bytes(content or b"")


async def _redis(town: Town) -> AsyncIterator[bytes]:
    address = town.system.stack.addresses.redis
    client = Redis(host=address.host, port=address.port, password=address.password())
    try:
        async for key in client.scan_iter():
            yield key + b"\n" + await _value(client, key)
    finally:
        await client.aclose()


async def _value(client: Any, key: bytes) -> bytes:
    """What a key holds, whatever its kind; a kind of which this knows nothing fails."""
    match (await client.type(key)).decode():
        case "string":
            parts = [await client.get(key) or b""]
        case "set":
            parts = list(await client.smembers(key))
        case "hash":
            parts = [part for pair in (await client.hgetall(key)).items() for part in pair]
        case "list":
            parts = await client.lrange(key, 0, -1)
        case "zset":
            parts = await client.zrange(key, 0, -1)
        case "none":  # it ended between the scan and this
            parts = []
        case kind:
            raise NotImplementedError(kind)
    return b"\n".join(parts)
