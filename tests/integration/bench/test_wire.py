"""The load's own requests against a server that keeps, cuts or garbles connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from kizashi.bench.wire import Wire, WireError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Run = Callable[[Coroutine[Any, Any, None]], None]
#: The measurements run on uvloop, whose transports are of its own kind.
both = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nRetry-After: 1\r\n\r\nok"


async def request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The request line and the body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    size = next(int(line.split(": ")[1]) for line in head if line.startswith("content-length"))
    return head[0], await reader.readexactly(size)


def once(said: bytes) -> Serve:
    """A server that says this to the first request of a connection and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(said)
        await writer.drain()
        writer.close()

    return serve


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[Wire]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield wire
    finally:
        wire.close()
        server.close()


@both
def test_one_connection_serves_one_request_after_the_other(run: Run) -> None:
    async def told() -> None:
        connections: list[list[tuple[str, bytes]]] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked: list[tuple[str, bytes]] = []
            connections.append(asked)
            while not reader.at_eof():
                asked.append(await request(reader))
                writer.write(OK)

        async with serving(serve) as wire:
            for body in (b"one", b"two"):
                answer = await wire.ask("POST", "/v1/events", {"a": "b"}, body)
                assert (answer.status, answer.body, answer.headers["retry-after"]) == (202, b"ok", "1")
            assert connections == [
                [("POST /v1/events HTTP/1.1", b"one"), ("POST /v1/events HTTP/1.1", b"two")]
            ]
            await asyncio.gather(*(wire.ask("GET", "/", {}) for _ in range(3)))
            assert len(connections) == 3

    run(told())


@both
def test_a_connection_that_was_closed_meanwhile_is_replaced(run: Run) -> None:
    async def told() -> None:
        async with serving(once(OK)) as wire:
            for _ in range(3):
                assert (await wire.ask("GET", "/", {})).status == 202

    run(told())


@both
@pytest.mark.parametrize("said", [b"", b"what?\r\n\r\n"])
def test_no_answer_is_an_error(run: Run, said: bytes) -> None:
    async def told() -> None:
        async with serving(once(said)) as wire:
            with pytest.raises(WireError):
                await wire.ask("GET", "/", {})

    run(told())


@both
def test_nobody_there_is_an_error(run: Run) -> None:
    async def told() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(WireError, match="no connection"):
            await Wire(f"http://127.0.0.1:{port}").ask("GET", "/", {})

    run(told())
