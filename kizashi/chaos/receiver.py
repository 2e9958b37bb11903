"""A こころん・サーモ endpoint that misbehaves as told, keeps what it accepted, and has a trap that nobody may call."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

#: What the first attempt of a delivery meets. 410 means: never again.
KINDS = ("200", "500", "silence", "redirect", "endless", "hang up", "410")
GONE = "410"


@dataclass
class Receiver:
    """Each delivery meets one kind of trouble at first and is taken afterwards, unless it is to be gone."""

    key: bytes
    kinds: Sequence[str]
    port: int = 0
    trap_port: int = 0
    met: dict[str, str] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    trapped: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.strip().split("\r\n")[1:]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await self._answer(headers, body, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def trap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody followed a redirect."""
        self.trapped += 1
        writer.close()

    async def _answer(
        self, headers: dict[str, str], body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            Webhook(base64.b64encode(self.key).decode()).verify(body.decode(), headers)
        except WebhookVerificationError:
            self.forged += 1
        name = headers.get("webhook-id", "")
        kind = self.met.setdefault(name, self.kinds[len(self.met) % len(self.kinds)])
        self.attempts[name] += 1
        if kind == GONE or (self.attempts[name] == 1 and kind != "200"):
            await self._trouble(kind, reader, writer)
            return
        self.accepted[name] += 1
        await _status(writer, 200)

    async def _trouble(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "silence":
            await reader.read()
        elif kind == "hang up":
            writer.transport.abort()
        elif kind == "redirect":
            await _status(writer, 307, f"location: http://127.0.0.1:{self.trap_port}/trap")
        elif kind == "endless":
            await _endless(writer)
        else:
            await _status(writer, int(kind))


async def _status(writer: asyncio.StreamWriter, code: int, *headers: str) -> None:
    lines = [f"HTTP/1.1 {code} answer", "content-length: 0", "connection: close", *headers]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    await writer.drain()


async def _endless(writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"x-more: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def receiving(key: bytes, kinds: Sequence[str] = KINDS) -> AsyncIterator[Receiver]:
    """A receiver and its trap on free ports of the loopback."""
    made = Receiver(key, kinds)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    trap = await asyncio.start_server(made.trap, "127.0.0.1", 0)
    made.port, made.trap_port = (each.sockets[0].getsockname()[1] for each in (server, trap))
    try:
        yield made
    finally:
        server.close()
        trap.close()
