"""Waiting with an end: whoever gives up says what it waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """The block may take so long; ``what`` completes "not ... within".

    Raises:
        TimeoutError: it took longer. A timeout of the block's own passes unchanged.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as problem:
        if limit.expired() and not str(problem):
            raise TimeoutError(f"not {what} within {seconds:.0f} s") from None
        raise
