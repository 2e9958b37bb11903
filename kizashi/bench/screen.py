"""A teacher's screen under a measured load: as any visitor, but each fetch of the board costs the machine little."""

from http.client import OK
from typing import Any

import msgspec

from kizashi.bench.wire import Wire, WireError
from kizashi.visitor import Visitor


class Screen(Visitor):
    """One signed-in session whose boards are fetched over a connection that stays open."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._wire = Wire(url)

    async def board(self) -> dict[str, Any]:
        """My alerts, by the ordinary audited route.

        Raises:
            WireError: refused, or no answer.
        """
        answer = await self._wire.ask("GET", "/v1/board", self._headers)
        if answer.status != OK:
            raise WireError(f"answered with {answer.status}")
        board: dict[str, Any] = msgspec.json.decode(answer.body)
        return board

    async def close(self) -> None:
        """Disconnect."""
        self._wire.close()
        await super().close()
