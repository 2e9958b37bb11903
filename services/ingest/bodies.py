"""Request bodies within bounds: counted while they arrive, unpacked no further than allowed."""

import asyncio
import zlib

from starlette.requests import Request

from services.ingest.problems import Problem, TurnedAway
from services.ingest.settings import MAX_BODY_BYTES, MAX_BODY_SECONDS

_GZIP = 16 + zlib.MAX_WBITS


async def _arriving(request: Request) -> bytes:
    """The body as sent; whoever takes too long for it gives its place up."""
    try:
        async with asyncio.timeout(MAX_BODY_SECONDS):
            return await _within_bounds(request)
    except TimeoutError:
        raise TurnedAway(Problem.too_slow) from None


async def _within_bounds(request: Request) -> bytes:
    """Stops reading as soon as it is too large, whatever Content-Length says."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) >= MAX_BODY_BYTES:
        raise TurnedAway(Problem.too_large)
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) >= MAX_BODY_BYTES:
            raise TurnedAway(Problem.too_large)
    return bytes(parts)


def unpack(body: bytes, limit_bytes: int) -> bytes:
    """Undo gzip, one member, up to a limit.

    Raises:
        TurnedAway: not gzip, cut short, or larger than the limit when unpacked.
    """
    machine = zlib.decompressobj(_GZIP)
    try:
        found = machine.decompress(body, limit_bytes + 1)
    except zlib.error:
        raise TurnedAway(Problem.bad_gzip) from None
    if len(found) > limit_bytes:
        raise TurnedAway(Problem.too_large)
    if not machine.eof or machine.unused_data:
        raise TurnedAway(Problem.bad_gzip)
    return found


async def read(request: Request, unpacked_limit_bytes: int) -> bytes:
    """The body of a request, unpacked.

    Raises:
        TurnedAway: too large, too slow, an unknown encoding, or no gzip where gzip was announced.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise TurnedAway(Problem.unsupported)
    body = await _arriving(request)
    return unpack(body, unpacked_limit_bytes) if encoding == "gzip" else body
